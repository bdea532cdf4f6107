"""What the address of a search page asks for, read and written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from movierec.search.browser import SORTS, Sort
from movierec.search.filter_parser import between, one_of, read
from movierec.search.filter_tree import (
    MAX_PARTS,
    Between,
    FilterError,
    Flag,
    Group,
    Is,
    Kind,
    Node,
    is_blank,
    size,
    write_top,
)

MAX_QUERY = 250  # characters; the longest title has 200
MOST_FAULTS = 5  # that are told of at once
ONLY = ("unseen", "seen", "saved", "poster")
READABLE = ":,().!"  # left as they are in an address

Pairs = list[tuple[str, str]]


class Fault(NamedTuple):
    """Something in the address that cannot be answered: where it stands and what is wrong with it."""

    where: str
    error: FilterError | None = None
    found: str = ""


class Chip(NamedTuple):
    """An active filter, and the search without it."""

    name: str
    value: str
    freed: "Asked"
    node: Node | None = None

    @property
    def href(self) -> str:
        return self.freed.href()


@dataclass(frozen=True)
class Asked:
    """A search: words, the conditions of the panel, the tree of the builder, an order."""

    q: str = ""
    genres: tuple[str, ...] = ()
    all_genres: bool = False
    decades: tuple[str, ...] = ()
    years: Between = Between("year")  # noqa: RUF009  frozen
    rating_min: Between = Between("mean_rating")  # noqa: RUF009
    ratings_min: Between = Between("n_ratings")  # noqa: RUF009
    tags: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tree: Group = Group("and")  # noqa: RUF009
    sort: Sort | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def order(self) -> Sort:
        return self.sort or ("relevance" if self.q.strip() else "popularity")

    @property
    def genre_part(self) -> Group:
        kind: Kind = "and" if self.all_genres else "or"
        return Group(kind, tuple(Is("genre", genre) for genre in self.genres))

    @property
    def decade_part(self) -> Group:
        return Group("or", tuple(Is("decade", decade) for decade in self.decades))

    @property
    def other_part(self) -> Group:
        tags = [Is("tag", tag) for tag in self.tags]
        only = [Flag(name) for name in self.only]
        return Group("and", (self.years, self.rating_min, self.ratings_min, *tags, *only, self.tree))

    def whole(self) -> Group:
        """All conditions as one filter, as the JSON twin takes it."""
        return simple(Group("and", (self.genre_part, self.decade_part, *self.other_part.parts)))

    def pairs(self) -> Pairs:
        """The parameters of the address, in one order, without those that say nothing."""
        found: Pairs = [("q", self.q)]
        found += [("genre", genre) for genre in self.genres]
        found += [("genre_mode", "all" if self.all_genres and self.genres else "")]
        found += [("decade", decade) for decade in self.decades]
        found += [("year_from", number(self.years.low)), ("year_to", number(self.years.high))]
        found += [("rating_min", number(self.rating_min.low)), ("ratings_min", number(self.ratings_min.low))]
        found += [("tag", tag) for tag in self.tags] + [("only", name) for name in self.only]
        found += [("filter", write_top(self.tree)), ("sort", self.sort or "")]
        return [(name, value) for name, value in found if value]

    def href(self, **more: str) -> str:
        return address("/search", [*self.pairs(), *more.items()])

    def but(self, **changes: Any) -> "Asked":
        return replace(self, **changes)

    def chips(self) -> list[Chip]:
        """The active filters in the panel's order."""
        found = [
            Chip(chip, value, self.but(**{name: tuple(each for each in values if each != value)}))
            for chip, name in (("genre", "genres"), ("decade", "decades"), ("tag", "tags"), ("only", "only"))
            for values in [getattr(self, name)]
            for value in values
        ]
        for name in ("years", "rating_min", "ratings_min"):
            condition: Between = getattr(self, name)
            if not is_blank(condition):
                found.append(Chip(name, "", self.but(**{name: Between(condition.field)}), condition))
        parts = self.tree.parts if self.tree.kind == "and" else (self.tree,)
        rest = [root(parts[:i] + parts[i + 1 :]) for i in range(len(parts))]
        return found + [Chip("tree", "", self.but(tree=tree), part) for part, tree in zip(parts, rest, strict=True)]


def asked(pairs: Pairs, tree: Group | None = None, faults: Iterable[Fault] = ()) -> Asked:
    """Never raises: what cannot be read becomes a fault. `tree` stands in for the parameter `filter`."""
    reader = _Reader(pairs, list(faults))
    q = reader.one("q")
    if len(q) > MAX_QUERY:
        reader.faults.append(Fault("q", found=str(len(q))))
        q = ""
    found = Asked(
        q=re.sub(r"[\x00-\x1f\x7f]+", " ", q).strip(),
        genres=reader.many("genre"),
        all_genres=reader.one("genre_mode") == "all",
        decades=tuple(each.value for each in reader.decades()),
        years=reader.between("year_from", "year_to", field="year"),
        rating_min=reader.between("rating_min", "", field="mean_rating"),
        ratings_min=reader.between("ratings_min", "", field="n_ratings"),
        tags=reader.many("tag"),
        only=tuple(name for name in reader.many("only") if name in ONLY),
        tree=reader.tree() if tree is None else tree,
        sort=reader.sort(),
        faults=tuple(reader.faults[:MOST_FAULTS]),
    )
    if size(found.whole()) > MAX_PARTS:
        return Asked(q=found.q, faults=(*found.faults, Fault("filter", FilterError("too_many"))))
    return found


class _Reader:
    def __init__(self, pairs: Pairs, faults: list[Fault]) -> None:
        self.pairs = pairs
        self.faults = faults

    def many(self, name: str) -> tuple[str, ...]:
        """Each value once."""
        values = (value.strip() for key, value in self.pairs if key == name)
        return tuple(dict.fromkeys(value for value in values if value))

    def one(self, name: str) -> str:
        """The last value, as in a form that names it twice."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def between(self, low: str, high: str, *, field: str) -> Between:
        try:
            return between(field, self.one(low).strip(), self.one(high).strip() if high else "")
        except FilterError as error:
            self.faults.append(Fault(field, error))
            return Between(field)

    def decades(self) -> list[Is]:
        found = []
        for value in self.many("decade"):
            try:
                found.append(one_of("decade", value))
            except FilterError as error:
                self.faults.append(Fault("decade", error))
        return found

    def tree(self) -> Group:
        text = self.one("filter")
        try:
            return read(text)
        except FilterError as error:
            self.faults.append(Fault("filter", error, text))
            return Group("and")

    def sort(self) -> Sort | None:
        name = self.one("sort")
        for sort in SORTS:
            if name == sort:
                return sort
        if name:
            self.faults.append(Fault("sort", found=name))
        return None


def root(parts: tuple[Node, ...]) -> Group:
    """All of `parts`; a group that stands alone stands for itself."""
    return parts[0] if len(parts) == 1 and isinstance(parts[0], Group) else Group("and", parts)


def simple(group: Group) -> Group:
    """Without empty groups, and without groups of one, so that it reads shorter."""
    parts: list[Node] = []
    for part in group.parts:
        if isinstance(part, Between) and is_blank(part):
            continue
        if isinstance(part, Group) and (part.kind == "and" or (part.kind == "or" and len(part.parts) < 2)):
            parts += simple(part).parts
        else:
            parts.append(part)
    return Group(group.kind, tuple(parts))


def number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if value < 1e5 else f"{value:.0f}"


def address(path: str, pairs: Pairs) -> str:
    clean = [(name, value.encode("utf-8", "replace").decode()) for name, value in pairs]
    query = urlencode(clean, safe=READABLE)
    return f"{path}?{query}" if query else path
