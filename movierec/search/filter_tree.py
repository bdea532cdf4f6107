"""A tree of conditions on movies, and its text form in a URL.

and(genre:Drama,year:1990..1999,or(mean_rating:4..,n_ratings:..100),not(tag:"time travel",seen))

`and` needs all of its parts, `or` any, `not` none; several parts at the top are an `and`. A condition without a value
(`genre:`, `or()`) is kept, so that the form can show it, and matches every movie.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

GroupKind = Literal["and", "or", "not"]
GROUP_KINDS: tuple[GroupKind, ...] = ("and", "or", "not")
INTEGER_FIELDS = ("year", "n_ratings")
RANGE_FIELDS = (*INTEGER_FIELDS, "mean_rating", "popularity")
CHOICE_FIELDS = ("genre", "decade", "tag")
FLAG_FIELDS = ("poster", "seen", "unseen", "saved")
ALL_FIELDS = (*CHOICE_FIELDS, *RANGE_FIELDS, *FLAG_FIELDS)

MAX_FILTER_LENGTH = 2000  # characters
MAX_GROUP_DEPTH = 5  # groups in groups
MAX_FILTER_NODES = 60  # conditions and groups
UNQUOTED_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. '!&")


@dataclass(frozen=True)
class RangeCondition:
    """A number in a range, both ends included; None is an open end."""

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ChoiceCondition:
    """A genre or tag of the movie, or its decade ("1990")."""

    field: str
    value: str = ""


@dataclass(frozen=True)
class FlagCondition:
    """Whether the movie is in one of the sets that the caller passes: "seen", "saved" or "poster".

    "unseen" means not in "seen".
    """

    field: str


@dataclass(frozen=True)
class ConditionGroup:
    """Conditions joined by `kind`: "and", "or" or "not" (none of them)."""

    kind: GroupKind
    parts: tuple["FilterNode", ...] = ()


FilterNode: TypeAlias = RangeCondition | ChoiceCondition | FlagCondition | ConditionGroup


class FilterError(ValueError):
    """An invalid filter.

    `problem` is a short name of what is wrong, `at` the position of the character, from 1 (0 if unknown), `found` what
    stands there, `known` what could stand there.
    """

    def __init__(self, problem: str, *, at: int = 0, found: str = "", known: str = "") -> None:
        super().__init__(f"{problem}: {found[:40]!r} at character {at}")
        self.problem, self.at, self.found, self.known = problem, at, found[:40], known


def is_blank(node: FilterNode) -> bool:
    """Whether a condition has no value yet, or a group only such conditions."""
    match node:
        case RangeCondition():
            return node.low is None and node.high is None
        case ChoiceCondition():
            return not node.value
        case ConditionGroup():
            return all(is_blank(part) for part in node.parts)
    return False


def drop_blank_nodes(node: FilterNode) -> FilterNode | None:
    """The tree without blank conditions; None if nothing is left."""
    if is_blank(node):
        return None
    if isinstance(node, ConditionGroup):
        return ConditionGroup(
            node.kind, tuple(part for each in node.parts if (part := drop_blank_nodes(each)) is not None)
        )
    return node


def write_filter(node: FilterNode) -> str:
    """The text of a node, which `filter_parser.parse_filter` reads."""
    match node:
        case ConditionGroup():
            return f"{node.kind}({','.join(write_filter(part) for part in node.parts)})"
        case RangeCondition():
            low, high = _format_number(node.low), _format_number(node.high)
            return f"{node.field}:{low if low == high else f'{low}..{high}'}"
        case ChoiceCondition():
            return f"{node.field}:{_quote_value(node.value)}"
    return node.field


def write_filter_root(root: ConditionGroup) -> str:
    """The text of the whole tree; an `and` at the top is written without "and(...)" where that is unambiguous."""
    if root.kind == "and" and not (len(root.parts) == 1 and isinstance(root.parts[0], ConditionGroup)):
        return ",".join(write_filter(part) for part in root.parts)
    return write_filter(root)


def measure_depth(node: FilterNode) -> int:
    """How deep groups are nested; 0 for a condition."""
    return 1 + max((measure_depth(part) for part in node.parts), default=0) if isinstance(node, ConditionGroup) else 0


def count_nodes(node: FilterNode) -> int:
    """The number of conditions and groups, including the node itself."""
    return 1 + sum(count_nodes(part) for part in node.parts) if isinstance(node, ConditionGroup) else 1


def _format_number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _quote_value(text: str) -> str:
    """The value, in quotes if it has characters that need them."""
    if text and (set(text) - UNQUOTED_CHARACTERS or text != text.strip()):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text
