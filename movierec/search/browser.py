"""Search, filter, sort and count over one catalogue: the basis of the search page and of its JSON endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from movierec.catalog.catalog import Movie, compute_shrunk_means
from movierec.search.filter_masks import FilterColumns, MovieMask
from movierec.search.title_index import Float32Array, MatchState, TitleIndex

SortOrder = Literal["relevance", "popularity", "rating", "year", "title"]
SORT_ORDERS: tuple[SortOrder, ...] = ("relevance", "popularity", "rating", "year", "title")
Indices = NDArray[np.intp]


class SearchHits(NamedTuple):
    """The movies that match a query: `mask` by row of the catalogue, `score` by row.

    An empty query matches all movies and has no score. `state` and `corrected_query` as in TitleMatches.
    """

    mask: MovieMask
    score: Float32Array | None
    state: MatchState
    corrected_query: str | None


class FacetCount(NamedTuple):
    """The number of movies with a value: a genre, a decade or a tag."""

    value: str
    n: int


@dataclass(frozen=True)
class Browser:
    """Movies in catalogue order (by popularity), with the indexes for search, filter and sort."""

    movies: Sequence[Movie]
    titles: TitleIndex
    columns: FilterColumns
    sort_places: dict[SortOrder, Indices]  # by row: its place in that order

    @classmethod
    def from_movies(cls, movies: Sequence[Movie]) -> Self:
        """Builds all indexes for `movies`, which are in catalogue order."""
        columns, titles = FilterColumns.from_movies(movies), TitleIndex.from_movies(movies)
        return cls(movies, titles, columns, compute_sort_places(columns, titles))

    def find_hits(self, query: str) -> SearchHits:
        """The movies that match a query; all of them for an empty query."""
        if not query.strip():
            return SearchHits(self.columns.all_movies, None, "exact", None)
        found = self.titles.search_titles(query)
        return SearchHits(found.score > 0, found.score, found.state, found.corrected_query)

    def sort_rows(self, mask: MovieMask, hits: SearchHits, sort: SortOrder) -> Indices:
        """The rows of `mask` in the order of `sort`; "relevance" is popularity where the query has no words."""
        rows = np.flatnonzero(mask)
        if sort == "relevance" and hits.score is not None:
            return rows[np.lexsort((rows, -hits.score[rows]))]
        return rows[np.argsort(self.sort_places[sort][rows])]

    def count_rows_up_to(self, rows: Indices, last_row: int, hits: SearchHits, sort: SortOrder) -> int:
        """How many of the sorted `rows` stand at or before the place of `last_row`, which need not be one of them."""
        if sort == "relevance" and hits.score is not None:
            ahead, mine = hits.score[rows], hits.score[last_row]
            return int(np.count_nonzero((ahead > mine) | ((ahead == mine) & (rows <= last_row))))
        return int(np.count_nonzero(self.sort_places[sort][rows] <= self.sort_places[sort][last_row]))

    def count_genres(self, mask: MovieMask) -> list[FacetCount]:
        """Number of masked movies of each genre, genres in alphabetical order."""
        return [FacetCount(genre, int(np.count_nonzero(mask & has))) for genre, has in self.columns.genres.items()]

    def count_decades(self, mask: MovieMask) -> list[FacetCount]:
        """Number of masked movies of each decade in the catalogue, newest first."""
        tens = self.columns.decades // 10 + 1  # 0 without a year
        every, found = np.bincount(tens), np.bincount(tens[mask], minlength=int(tens.max(initial=0)) + 1)
        return [FacetCount(f"{ten - 1}0", int(found[ten])) for ten in np.flatnonzero(every)[::-1] if ten]

    def count_tags(self, mask: MovieMask, *, n: int) -> list[FacetCount]:
        """The `n` most frequent tags of the masked movies, out of the 100 most frequent tags of the catalogue."""
        first = islice(self.columns.tags.items(), 100)
        counts = [FacetCount(tag, int(np.count_nonzero(mask[rows]))) for tag, rows in first]
        return sorted((each for each in counts if each.n), key=lambda each: -each.n)[:n]


def compute_sort_places(columns: FilterColumns, titles: TitleIndex) -> dict[SortOrder, Indices]:
    """For each sort order the place of every row. Ties in catalogue order; movies without a value last.

    By rating they stand by `compute_shrunk_means`.
    """
    rows = np.arange(len(columns.decades))
    mean, year = (
        compute_shrunk_means(columns.ranges["mean_rating"], columns.ranges["n_ratings"]),
        columns.ranges["year"],
    )
    by_rating = np.lexsort((rows, -np.nan_to_num(mean, nan=-1)))
    by_year = np.lexsort((rows, -np.nan_to_num(year, nan=-1)))
    return {
        "relevance": rows,
        "popularity": rows,
        "rating": invert_order(by_rating),
        "year": invert_order(by_year),
        "title": invert_order(titles.sort_by_title()),
    }


def invert_order(order: Indices) -> Indices:
    """For each row its place in `order` (the inverse permutation)."""
    found = np.empty(len(order), dtype=np.intp)
    found[order] = np.arange(len(order))
    return found
