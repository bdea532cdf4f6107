"""A tree of conditions on movies, and the text it is written as in an address.

and(genre:Drama,year:1990..1999,or(mean_rating:4..,n_ratings:..100),not(tag:"time travel",seen))

`and` wants all of its parts, `or` any, `not` none; several parts at the top are an `and`. A part without a value
(`genre:`, `or()`) is one not filled in yet: it is kept, and asks for nothing.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind = Literal["and", "or", "not"]
KINDS: tuple[Kind, ...] = ("and", "or", "not")
WHOLE_NUMBERS = ("year", "n_ratings")
RANGES = (*WHOLE_NUMBERS, "mean_rating", "popularity")
CHOICES = ("genre", "decade", "tag")
FLAGS = ("poster", "seen", "unseen", "saved")
FIELDS = (*CHOICES, *RANGES, *FLAGS)

MAX_LENGTH = 2000  # characters
MAX_DEPTH = 5  # groups in groups
MAX_PARTS = 60  # conditions and groups
BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. '!&")


@dataclass(frozen=True)
class Between:
    """A number in a range, both ends included; an end that is None is open."""

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Is:
    """One of a movie's genres or tags, or its decade ("1990")."""

    field: str
    value: str = ""


@dataclass(frozen=True)
class Flag:
    """Whether a movie is in a set that the caller brings."""

    field: str


@dataclass(frozen=True)
class Group:
    kind: Kind
    parts: tuple["Node", ...] = ()


Node: TypeAlias = Between | Is | Flag | Group


class FilterError(ValueError):
    """What is wrong with a filter.

    `problem` is a short name of it, `at` the character it stands at, from 1 (0 if unknown), `found` what stands there,
    `known` what could stand there.
    """

    def __init__(self, problem: str, *, at: int = 0, found: str = "", known: str = "") -> None:
        super().__init__(f"{problem}: {found[:40]!r} at character {at}")
        self.problem, self.at, self.found, self.known = problem, at, found[:40], known


def is_blank(node: Node) -> bool:
    """Whether a condition has no value yet."""
    match node:
        case Between():
            return node.low is None and node.high is None
        case Is():
            return not node.value
        case Group():
            return all(is_blank(part) for part in node.parts)
    return False


def filled(node: Node) -> Node | None:
    """The tree without what is blank; None where nothing is left."""
    if is_blank(node):
        return None
    if isinstance(node, Group):
        return Group(node.kind, tuple(part for each in node.parts if (part := filled(each)) is not None))
    return node


def write(node: Node) -> str:
    """As `read` reads it."""
    match node:
        case Group():
            return f"{node.kind}({','.join(write(part) for part in node.parts)})"
        case Between():
            low, high = _number(node.low), _number(node.high)
            return f"{node.field}:{low if low == high else f'{low}..{high}'}"
        case Is():
            return f"{node.field}:{_value(node.value)}"
    return node.field


def write_top(root: Group) -> str:
    """Like `write`, an `and` without its brackets where it reads the same."""
    if root.kind == "and" and not (len(root.parts) == 1 and isinstance(root.parts[0], Group)):
        return ",".join(write(part) for part in root.parts)
    return write(root)


def depth(node: Node) -> int:
    """How many groups stand in one another."""
    return 1 + max((depth(part) for part in node.parts), default=0) if isinstance(node, Group) else 0


def size(node: Node) -> int:
    """Conditions and groups, the node itself counted."""
    return 1 + sum(size(part) for part in node.parts) if isinstance(node, Group) else 1


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _value(text: str) -> str:
    """Quoted where it holds a sign that means something."""
    if text and (set(text) - BARE or text != text.strip()):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text
