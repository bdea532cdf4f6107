"""The query of the search page: parsed from the URL's parameters, and written back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from movierec.search.browser import SORT_ORDERS, SortOrder
from movierec.search.filter_parser import parse_choice, parse_filter, parse_range
from movierec.search.filter_tree import (
    MAX_FILTER_NODES,
    ChoiceCondition,
    ConditionGroup,
    FilterError,
    FilterNode,
    FlagCondition,
    GroupKind,
    RangeCondition,
    count_nodes,
    is_blank,
    write_filter_root,
)
from serving.i18n.languages import Sentence
from serving.i18n.problem_texts import PROBLEM_TEXTS

MAX_QUERY_LENGTH = 250  # characters; the longest title has 200
MAX_FAULTS = 5  # that are told of at once
ONLY_CHOICES = ("unseen", "seen", "saved", "poster")
UNESCAPED_CHARACTERS = ":,().!"  # left as they are in an address

QueryPairs = list[tuple[str, str]]


class QueryFault(NamedTuple):
    """One parameter that cannot be used: `where` is its name, `error` or `found` says what is wrong."""

    where: str
    error: FilterError | None = None
    found: str = ""

    @property
    def at(self) -> int:
        """The character of the filter at which the error stands, from 1; 0 if it does not stand in one."""
        return self.error.at if self.error else 0

    @property
    def sentence(self) -> Sentence:
        """What is wrong, in words that a page can translate."""
        if self.error is None and self.where == "q":
            return Sentence(PROBLEM_TEXTS["search_is_too_long"], {"most": MAX_QUERY_LENGTH, "n": int(self.found)})
        if self.error is None:
            return Sentence(PROBLEM_TEXTS["unknown_order"], {"found": self.found[:40]})
        is_of_years = self.error.problem == "backwards" and self.where == "year"
        text = PROBLEM_TEXTS["years_backwards" if is_of_years else self.error.problem]
        return Sentence(text, {"found": self.error.found, "known": self.error.known})

    def __str__(self) -> str:
        return f"{self.sentence} (character {self.at} of the filter)" if self.at else str(self.sentence)


class FilterChip(NamedTuple):
    """One active filter, and the same search without it."""

    name: str
    value: str
    relaxed_query: "SearchQuery"
    node: FilterNode | None = None

    @property
    def href(self) -> str:
        """The URL of the search without this filter."""
        return self.relaxed_query.build_href()


@dataclass(frozen=True)
class SearchQuery:
    """A search: words, conditions of the filter panel, condition tree of the filter builder, sort order."""

    q: str = ""
    genres: tuple[str, ...] = ()
    all_genres: bool = False
    decades: tuple[str, ...] = ()
    years: RangeCondition = RangeCondition("year")  # noqa: RUF009  frozen
    rating_min: RangeCondition = RangeCondition("mean_rating")  # noqa: RUF009
    ratings_min: RangeCondition = RangeCondition("n_ratings")  # noqa: RUF009
    tags: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tree: ConditionGroup = ConditionGroup("and")  # noqa: RUF009
    sort: SortOrder | None = None
    faults: tuple[QueryFault, ...] = ()

    @property
    def effective_sort(self) -> SortOrder:
        """The chosen sort order; without one relevance if there are words, else popularity."""
        return self.sort or ("relevance" if self.q.strip() else "popularity")

    @property
    def genre_filter(self) -> ConditionGroup:
        """The genre condition: all of the genres or any of them."""
        kind: GroupKind = "and" if self.all_genres else "or"
        return ConditionGroup(kind, tuple(ChoiceCondition("genre", genre) for genre in self.genres))

    @property
    def decade_filter(self) -> ConditionGroup:
        """Any of the decades."""
        return ConditionGroup("or", tuple(ChoiceCondition("decade", decade) for decade in self.decades))

    @property
    def other_filter(self) -> ConditionGroup:
        """All conditions except genres and decades."""
        tags = [ChoiceCondition("tag", tag) for tag in self.tags]
        only = [FlagCondition(name) for name in self.only]
        return ConditionGroup("and", (self.years, self.rating_min, self.ratings_min, *tags, *only, self.tree))

    def combine_filters(self) -> ConditionGroup:
        """All conditions as one filter, as `GET /api/movies` takes it."""
        return simplify_group(ConditionGroup("and", (self.genre_filter, self.decade_filter, *self.other_filter.parts)))

    def to_query_pairs(self) -> QueryPairs:
        """The parameters of the URL in a fixed order, without empty ones."""
        found: QueryPairs = [("q", self.q)]
        found += [("genre", genre) for genre in self.genres]
        found += [("genre_mode", "all" if self.all_genres and self.genres else "")]
        found += [("decade", decade) for decade in self.decades]
        found += [("year_from", format_url_number(self.years.low)), ("year_to", format_url_number(self.years.high))]
        found += [
            ("rating_min", format_url_number(self.rating_min.low)),
            ("ratings_min", format_url_number(self.ratings_min.low)),
        ]
        found += [("tag", tag) for tag in self.tags] + [("only", name) for name in self.only]
        found += [("filter", write_filter_root(self.tree)), ("sort", self.sort or "")]
        return [(name, value) for name, value in found if value]

    def build_href(self, **more: str) -> str:
        """The URL of this search; `more` are additional parameters."""
        return build_url("/search", [*self.to_query_pairs(), *more.items()])

    def replace(self, **changes: Any) -> "SearchQuery":
        """A copy with these fields changed."""
        return replace(self, **changes)

    def list_chips(self) -> list[FilterChip]:
        """The active filters, in the order of the panel."""
        found: list[FilterChip] = []
        for chip, name in (("genre", "genres"), ("decade", "decades"), ("tag", "tags"), ("only", "only")):
            values: tuple[str, ...] = getattr(self, name)
            for value in values:
                rest = tuple(each for each in values if each != value)
                found.append(FilterChip(chip, value, self.replace(**{name: rest})))
        for name in ("years", "rating_min", "ratings_min"):
            condition: RangeCondition = getattr(self, name)
            if not is_blank(condition):
                found.append(FilterChip(name, "", self.replace(**{name: RangeCondition(condition.field)}), condition))
        parts = self.tree.parts if self.tree.kind == "and" else (self.tree,)
        for i, part in enumerate(parts):
            tree = join_conditions(parts[:i] + parts[i + 1 :])
            found.append(FilterChip("tree", "", self.replace(tree=tree), part))
        return found


def parse_search_query(
    pairs: QueryPairs, tree: ConditionGroup | None = None, faults: Iterable[QueryFault] = ()
) -> SearchQuery:
    """Parses the parameters of a search. Never raises: what cannot be read is reported in `faults`.

    `tree` takes the place of the parameter `filter`; `faults` were found before.
    """
    reader = _QueryReader(pairs, list(faults))
    q = reader.read_last("q")
    if len(q) > MAX_QUERY_LENGTH:
        reader.faults.append(QueryFault("q", found=str(len(q))))
        q = ""
    found = SearchQuery(
        q=re.sub(r"[\x00-\x1f\x7f]+", " ", q).strip(),
        genres=reader.read_all("genre"),
        all_genres=reader.read_last("genre_mode") == "all",
        decades=tuple(each.value for each in reader.read_decades()),
        years=reader.read_range("year_from", "year_to", field="year"),
        rating_min=reader.read_range("rating_min", "", field="mean_rating"),
        ratings_min=reader.read_range("ratings_min", "", field="n_ratings"),
        tags=reader.read_all("tag"),
        only=tuple(name for name in reader.read_all("only") if name in ONLY_CHOICES),
        tree=reader.read_tree() if tree is None else tree,
        sort=reader.read_sort(),
        faults=tuple(reader.faults[:MAX_FAULTS]),
    )
    if count_nodes(found.combine_filters()) > MAX_FILTER_NODES:
        return SearchQuery(q=found.q, faults=(*found.faults, QueryFault("filter", FilterError("too_many"))))
    return found


class _QueryReader:
    def __init__(self, pairs: QueryPairs, faults: list[QueryFault]) -> None:
        self.pairs = pairs
        self.faults = faults

    def read_all(self, name: str) -> tuple[str, ...]:
        """All different values of the parameter, without empty ones."""
        values = (value.strip() for key, value in self.pairs if key == name)
        return tuple(dict.fromkeys(value for value in values if value))

    def read_last(self, name: str) -> str:
        """The last value of the parameter, an empty text without one."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def read_range(self, low: str, high: str, *, field: str) -> RangeCondition:
        try:
            return parse_range(field, self.read_last(low).strip(), self.read_last(high).strip() if high else "")
        except FilterError as error:
            self.faults.append(QueryFault(field, error))
            return RangeCondition(field)

    def read_decades(self) -> list[ChoiceCondition]:
        found = []
        for value in self.read_all("decade"):
            try:
                found.append(parse_choice("decade", value))
            except FilterError as error:
                self.faults.append(QueryFault("decade", error))
        return found

    def read_tree(self) -> ConditionGroup:
        text = self.read_last("filter")
        try:
            return parse_filter(text)
        except FilterError as error:
            self.faults.append(QueryFault("filter", error, text))
            return ConditionGroup("and")

    def read_sort(self) -> SortOrder | None:
        name = self.read_last("sort")
        for sort in SORT_ORDERS:
            if name == sort:
                return sort
        if name:
            self.faults.append(QueryFault("sort", found=name))
        return None


def join_conditions(parts: tuple[FilterNode, ...]) -> ConditionGroup:
    """All `parts` as one group; a single group is returned as it is."""
    return parts[0] if len(parts) == 1 and isinstance(parts[0], ConditionGroup) else ConditionGroup("and", parts)


def simplify_group(group: ConditionGroup) -> ConditionGroup:
    """Removes empty ranges and dissolves groups that change nothing, so that the filter reads shorter."""
    parts: list[FilterNode] = []
    for part in group.parts:
        if isinstance(part, RangeCondition) and is_blank(part):
            continue
        if isinstance(part, ConditionGroup) and (part.kind == "and" or (part.kind == "or" and len(part.parts) < 2)):
            parts += simplify_group(part).parts
        else:
            parts.append(part)
    return ConditionGroup(group.kind, tuple(parts))


def format_url_number(value: float | None) -> str:
    """The number without trailing zeros; an empty text for None."""
    return "" if value is None else f"{value:g}" if value < 1e5 else f"{value:.0f}"


def build_url(path: str, pairs: QueryPairs) -> str:
    """The path with the parameters as its query."""
    clean = [(name, value.encode("utf-8", "replace").decode()) for name, value in pairs]
    query = urlencode(clean, safe=UNESCAPED_CHARACTERS)
    return f"{path}?{query}" if query else path
