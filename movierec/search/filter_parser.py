"""Parses the text of a filter. Every error says where it is and what to write instead."""

import re

from movierec.search.filter_tree import (
    ALL_FIELDS,
    FLAG_FIELDS,
    GROUP_KINDS,
    INTEGER_FIELDS,
    MAX_FILTER_LENGTH,
    MAX_FILTER_NODES,
    MAX_GROUP_DEPTH,
    RANGE_FIELDS,
    UNQUOTED_CHARACTERS,
    ChoiceCondition,
    ConditionGroup,
    FilterError,
    FilterNode,
    FlagCondition,
    RangeCondition,
    measure_depth,
)

WORD_PATTERN = re.compile(r"[A-Za-z_]*")
SPACE_PATTERN = re.compile(r"[ \t\r\n]*")
NUMBER_PATTERN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?")
DECADE_PATTERN = re.compile(r"[0-9]{3}0")


def parse_filter(text: str) -> ConditionGroup:
    """The tree that `text` describes; an empty `and` for an empty text. Raises FilterError."""
    if len(text) > MAX_FILTER_LENGTH:
        raise FilterError("too_long")
    parts = _FilterReader(text).read_parts(depth=1, until="")
    if len(parts) == 1 and isinstance(parts[0], ConditionGroup):
        return parts[0]
    root = ConditionGroup("and", tuple(parts))
    if (
        measure_depth(root) > MAX_GROUP_DEPTH
    ):  # the `and` that is not written counts, as it does where the tree is shown
        _FilterReader(text).read_parts(depth=2, until="")  # raises where the deepest group begins
    return root


def parse_range(field: str, low: str, high: str, *, at: int = 0) -> RangeCondition:
    """A range from two texts; an empty text is an open end.

    Raises FilterError if a text is no number, or if low is above high.
    """
    ends = [_parse_number(text, at=at) if text else None for text in (low, high)]
    if field in INTEGER_FIELDS and any(end is not None and end != int(end) for end in ends):
        raise FilterError("not_a_number", at=at, found=f"{low}..{high}")
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise FilterError("backwards", at=at, found=f"{low}..{high}")
    return RangeCondition(field, *ends)


def parse_choice(field: str, value: str, *, at: int = 0) -> ChoiceCondition:
    """A choice from a text; a decade may be written "1990" or "1990s". Raises FilterError for no decade."""
    if field == "decade" and value:
        value = value.removesuffix("s")
        if not DECADE_PATTERN.fullmatch(value):
            raise FilterError("not_a_decade", at=at, found=value)
    return ChoiceCondition(field, value)


def _parse_number(text: str, *, at: int) -> float:
    if not NUMBER_PATTERN.fullmatch(text):
        raise FilterError("not_a_number", at=at, found=text)
    return float(text)


class _FilterReader:
    """A recursive descent parser over the characters of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.count = 0

    def make_error(self, problem: str, found: str = "", known: str = "") -> FilterError:
        return FilterError(problem, at=self.at + 1, found=found, known=known)

    def read_parts(self, *, depth: int, until: str) -> list[FilterNode]:
        """Conditions separated by commas, up to the character `until` or the end of the text."""
        found: list[FilterNode] = []
        while self.peek_sign() not in {until, ""}:
            if found:
                self.expect_sign(",")
            found.append(self.read_node(depth=depth))
        return found

    def read_node(self, *, depth: int) -> FilterNode:
        self.skip_space()
        start = self.at
        word = self.match_pattern(WORD_PATTERN)
        self.count += 1
        if self.count > MAX_FILTER_NODES:
            raise FilterError("too_many", at=start + 1)
        for kind in GROUP_KINDS:
            if word == kind and self.peek_sign() == "(":
                return self.read_group(ConditionGroup(kind), depth=depth)
        if word in FLAG_FIELDS:
            return FlagCondition(word)
        if word not in ALL_FIELDS:
            self.at = start
            found = word or self.text[start : start + 1] or "nothing"
            raise self.make_error("unknown_field", found, ", ".join((*GROUP_KINDS, *ALL_FIELDS)))
        if self.peek_sign() != ":":
            raise self.make_error("no_colon", word)
        self.at += 1
        return self.read_condition(word)

    def read_group(self, empty: ConditionGroup, *, depth: int) -> ConditionGroup:
        if depth > MAX_GROUP_DEPTH:
            raise self.make_error("too_deep")
        self.at += 1
        parts = self.read_parts(depth=depth + 1, until=")")
        if self.peek_sign() != ")":
            raise self.make_error("unclosed_group")
        self.at += 1
        return ConditionGroup(empty.kind, tuple(parts))

    def read_condition(self, field: str) -> FilterNode:
        self.skip_space()
        at = self.at + 1
        value = self.read_value()
        if field not in RANGE_FIELDS:
            return parse_choice(field, value, at=at)
        low, dots, high = value.replace(" ", "").partition("..")
        return parse_range(field, low, high if dots else low, at=at)

    def read_value(self) -> str:
        """A value without quotes, or in double quotes, where a backslash escapes a quote or a backslash."""
        if self.peek_sign() != '"':
            start = self.at
            while self.at < len(self.text) and self.text[self.at] in UNQUOTED_CHARACTERS:
                self.at += 1
            return self.text[start : self.at].strip()
        self.at += 1
        letters = []
        while self.at < len(self.text) and self.text[self.at] != '"':
            self.at += self.text[self.at] == "\\"
            letters.append(self.text[self.at : self.at + 1])
            self.at += 1
        if self.at >= len(self.text):
            raise self.make_error("unclosed_quote")
        self.at += 1
        return "".join(letters)

    def peek_sign(self) -> str:
        """The next character that is not a space; "" at the end."""
        self.skip_space()
        return self.text[self.at : self.at + 1]

    def expect_sign(self, sign: str) -> None:
        if self.peek_sign() != sign:
            raise self.make_error("unexpected", self.peek_sign())
        self.at += 1

    def skip_space(self) -> None:
        self.match_pattern(SPACE_PATTERN)

    def match_pattern(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        assert found is not None  # noqa: S101  both patterns match nothing too
        self.at = found.end()
        return found[0]
