"""A search of the catalogue: words and filters in, ordered movies out, for the search page and its JSON route."""

from typing import NamedTuple

import numpy as np

from movierec.catalog.catalog import Movie
from movierec.search.browser import Browser, FacetCount, Indices, SearchHits, SortOrder
from movierec.search.filter_masks import MovieMask, MovieSets
from serving.services.search_query import FilterChip, SearchQuery

MAX_FACET_TAGS = 16
MAX_RELAXATIONS = 12


class SearchResult(NamedTuple):
    """What a search found. Masks and `rows` are over the catalogue.

    `hits` are the movies that match the words. `of_genres` and `of_decades` meet these two conditions, `others` the
    words and all other conditions. `rows` are the movies that meet all of them, in the order `sort`.
    """

    browser: Browser
    hits: SearchHits
    others: MovieMask
    of_genres: MovieMask
    of_decades: MovieMask
    sort: SortOrder
    rows: Indices

    def list_movies(self, start: int, *, limit: int) -> list[Movie]:
        """The movies from place `start` (from 0) on, at most `limit`."""
        return [self.browser.movies[row] for row in self.rows[start : start + limit]]


class Facets(NamedTuple):
    """The choices of the filter panel, each with the number of movies it would give."""

    genres: list[FacetCount]
    decades: list[FacetCount]
    tags: list[FacetCount]


class RelaxedSearch(NamedTuple):
    """A search without one of its filters, and how many movies it finds."""

    chip: FilterChip
    n: int


def run_search(browser: Browser, query: SearchQuery, sets: MovieSets, *, words: str | None = None) -> SearchResult:
    """Runs the search. `words` replace `query.q` if given. Raises FilterError for an unknown genre."""
    hits = browser.find_hits(query.q if words is None else words)
    others = hits.mask & browser.columns.match_filter(query.other_filter, sets)
    of_genres = browser.columns.match_filter(query.genre_filter, sets)
    of_decades = browser.columns.match_filter(query.decade_filter, sets)
    rows = browser.sort_rows(others & of_genres & of_decades, hits, query.effective_sort)
    return SearchResult(browser, hits, others, of_genres, of_decades, query.effective_sort, rows)


def count_facets(found: SearchResult, *, all_genres: bool) -> Facets:
    """The choices of the filter panel. A genre or decade is counted as if it was the only one chosen.

    With `all_genres` a further genre is counted on top of the chosen ones.
    """
    browser, mask = found.browser, found.others & found.of_genres & found.of_decades
    return Facets(
        browser.count_genres(mask if all_genres else found.others & found.of_decades),
        browser.count_decades(found.others & found.of_genres),
        browser.count_tags(mask, n=MAX_FACET_TAGS),
    )


def find_relaxations(found: SearchResult, query: SearchQuery, sets: MovieSets) -> list[RelaxedSearch]:
    """The searches without one of the active filters that find movies, most movies first."""
    relaxed = []
    for chip in query.list_chips()[:MAX_RELAXATIONS]:
        mask = found.browser.columns.match_filter(chip.relaxed_query.combine_filters(), sets)
        n = int(np.count_nonzero(found.hits.mask & mask))
        if n:
            relaxed.append(RelaxedSearch(chip, n))
    return sorted(relaxed, key=lambda way: -way.n)
