"""Reads the text of a filter; every error says where it stands and what to write instead."""

import re

from movierec.search.filter_tree import (
    BARE,
    FIELDS,
    FLAGS,
    KINDS,
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_PARTS,
    RANGES,
    WHOLE_NUMBERS,
    Between,
    FilterError,
    Flag,
    Group,
    Is,
    Node,
    depth,
)

WORD = re.compile(r"[A-Za-z_]*")
SPACE = re.compile(r"[ \t\r\n]*")
NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?")
DECADE = re.compile(r"[0-9]{3}0")


def read(text: str) -> Group:
    """The tree that `text` writes; an empty `and` for an empty text."""
    if len(text) > MAX_LENGTH:
        raise FilterError("too_long")
    parts = _Reader(text).parts(depth=1, until="")
    if len(parts) == 1 and isinstance(parts[0], Group):
        return parts[0]
    root = Group("and", tuple(parts))
    if depth(root) > MAX_DEPTH:  # the `and` that is not written counts, as it does where the tree is shown
        _Reader(text).parts(depth=2, until="")  # raises where the deepest group begins
    return root


def between(field: str, low: str, high: str, *, at: int = 0) -> Between:
    """A range out of two texts; an empty one is an open end."""
    ends = [_number(text, at=at) if text else None for text in (low, high)]
    if field in WHOLE_NUMBERS and any(end is not None and end != int(end) for end in ends):
        raise FilterError("not_a_number", at=at, found=f"{low}..{high}")
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise FilterError("backwards", at=at, found=f"{low}..{high}")
    return Between(field, *ends)


def one_of(field: str, value: str, *, at: int = 0) -> Is:
    if field == "decade" and value:
        value = value.removesuffix("s")
        if not DECADE.fullmatch(value):
            raise FilterError("not_a_decade", at=at, found=value)
    return Is(field, value)


def _number(text: str, *, at: int) -> float:
    if not NUMBER.fullmatch(text):
        raise FilterError("not_a_number", at=at, found=text)
    return float(text)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.count = 0

    def error(self, problem: str, found: str = "", known: str = "") -> FilterError:
        return FilterError(problem, at=self.at + 1, found=found, known=known)

    def parts(self, *, depth: int, until: str) -> list[Node]:
        """Conditions between commas, up to `until` or the end of the text."""
        found: list[Node] = []
        while self.next() not in {until, ""}:
            if found:
                self.take(",")
            found.append(self.node(depth=depth))
        return found

    def node(self, *, depth: int) -> Node:
        self.skip_space()
        start = self.at
        word = self.match(WORD)
        self.count += 1
        if self.count > MAX_PARTS:
            raise FilterError("too_many", at=start + 1)
        for kind in KINDS:
            if word == kind and self.next() == "(":
                return self.group(Group(kind), depth=depth)
        if word in FLAGS:
            return Flag(word)
        if word not in FIELDS:
            self.at = start
            found = word or self.text[start : start + 1] or "nothing"
            raise self.error("unknown_field", found, ", ".join((*KINDS, *FIELDS)))
        if self.next() != ":":
            raise self.error("no_colon", word)
        self.at += 1
        return self.condition(word)

    def group(self, empty: Group, *, depth: int) -> Group:
        if depth > MAX_DEPTH:
            raise self.error("too_deep")
        self.at += 1
        parts = self.parts(depth=depth + 1, until=")")
        if self.next() != ")":
            raise self.error("unclosed_group")
        self.at += 1
        return Group(empty.kind, tuple(parts))

    def condition(self, field: str) -> Node:
        self.skip_space()
        at = self.at + 1
        value = self.value()
        if field not in RANGES:
            return one_of(field, value, at=at)
        low, dots, high = value.replace(" ", "").partition("..")
        return between(field, low, high if dots else low, at=at)

    def value(self) -> str:
        """Bare, or between double quotes with a backslash before a quote or a backslash."""
        if self.next() != '"':
            start = self.at
            while self.at < len(self.text) and self.text[self.at] in BARE:
                self.at += 1
            return self.text[start : self.at].strip()
        self.at += 1
        letters = []
        while self.at < len(self.text) and self.text[self.at] != '"':
            self.at += self.text[self.at] == "\\"
            letters.append(self.text[self.at : self.at + 1])
            self.at += 1
        if self.at >= len(self.text):
            raise self.error("unclosed_quote")
        self.at += 1
        return "".join(letters)

    def next(self) -> str:
        """The sign behind any spaces; "" at the end."""
        self.skip_space()
        return self.text[self.at : self.at + 1]

    def take(self, sign: str) -> None:
        if self.next() != sign:
            raise self.error("unexpected", self.next())
        self.at += 1

    def skip_space(self) -> None:
        self.match(SPACE)

    def match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        assert found is not None  # noqa: S101  both patterns match nothing too
        self.at = found.end()
        return found[0]
