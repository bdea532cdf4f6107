"""Filters over a catalogue, orders and counts."""

import numpy as np
import pytest
from hypothesis import given

from movierec.catalog.catalog import Movie
from movierec.search.browser import SORT_ORDERS, Browser, FacetCount
from movierec.search.filter_parser import parse_filter
from movierec.search.filter_tree import ConditionGroup, FilterError, drop_blank_nodes
from tests.movierec.search.test_filter_tree import groups

MOVIES = [  # id, title, year, genres, popularity, mean, n, tags
    Movie(10, "Zorro", 1998, ("Action", "Drama"), 9.0, 4.0, 90, None, None, ("hero", "mask")),
    Movie(11, "The Apple", 1999, ("Drama",), 8.0, 4.5, 80, None, None, ("fruit",)),
    Movie(12, "Berry", 1985, ("Comedy",), 7.0, 4.0, 70, None, None, ("fruit",)),
    Movie(13, "Alone", 2003, (), None, 5.0, 1, None, None, ()),
    Movie(14, "Nobody", None, ("Comedy", "Sci-Fi"), None, None, 0, None, None, ()),
]
SETS = {"seen": {10, 12, 999}, "saved": [11], "poster": ()}


@pytest.fixture(scope="module")
def browser():
    return Browser.from_movies(MOVIES)


def ids(browser, text, sets=SETS):
    return [MOVIES[row].movie_id for row in np.flatnonzero(browser.columns.match_filter(parse_filter(text), sets))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [10, 11, 12, 13, 14]),
        ("genre:", [10, 11, 12, 13, 14]),
        ("genre:drama", [10, 11]),
        ("genre:Action,genre:Drama", [10]),
        ("or(genre:Action,genre:Comedy)", [10, 12, 14]),
        ("not(genre:Action,genre:Comedy)", [11, 13]),
        ("year:1990..1999", [10, 11]),
        ("year:..1998", [10, 12]),
        ("decade:1990", [10, 11]),
        ("decade:2050", []),
        ("mean_rating:4.5..", [11, 13]),
        ("n_ratings:..1", [13, 14]),
        ("popularity:7.5..", [10, 11]),
        ("tag:Fruit", [11, 12]),
        ("tag:nobody said this", []),
        ("seen", [10, 12]),
        ("unseen", [11, 13, 14]),
        ("saved", [11]),
        ("poster", []),
        ("or(and(genre:Drama,not(seen)),and(tag:fruit,year:..1990))", [11, 12]),
        ("not(not(not(seen)))", [11, 13, 14]),
    ],
)
def test_a_filter_keeps_the_movies_it_describes(browser, text, found):
    assert ids(browser, text) == found


def test_a_set_that_nobody_brings_is_empty(browser):
    assert ids(browser, "seen", {}) == []
    assert ids(browser, "unseen", {}) == [10, 11, 12, 13, 14]


def test_an_unknown_genre_is_an_error_that_names_the_known_ones(browser):
    with pytest.raises(FilterError) as caught:
        ids(browser, "or(seen,genre:Opera)")
    error = caught.value
    assert (error.problem, error.found, error.known) == ("unknown_genre", "Opera", "Action, Comedy, Drama, Sci-Fi")


def says(node, movie, sets):  # noqa: PLR0911
    """Whether a filter describes one movie, worked out without columns."""
    match node:
        case ConditionGroup("and", parts):
            return all(says(part, movie, sets) for part in parts)
        case ConditionGroup("or", parts):
            return any(says(part, movie, sets) for part in parts)
        case ConditionGroup("not", parts):
            return not any(says(part, movie, sets) for part in parts)
    if node.field in {"seen", "saved", "poster"}:
        return movie.movie_id in sets[node.field]
    if node.field == "unseen":
        return movie.movie_id not in sets["seen"]
    if node.field in {"tag", "genre"}:
        return node.value.strip().lower() in [each.lower() for each in getattr(movie, f"{node.field}s")]
    if node.field == "decade":
        return movie.year is not None and movie.year // 10 * 10 == int(node.value)
    value = getattr(movie, node.field)
    return value is not None and (node.low or 0) <= value and (node.high is None or value <= node.high)


@given(groups)
def test_columns_say_what_a_movie_by_movie_reading_says(browser, tree):
    try:
        mask = browser.columns.match_filter(tree, SETS)
    except FilterError as error:
        assert error.problem == "unknown_genre"
        return
    wanted = drop_blank_nodes(tree)
    assert list(mask) == [wanted is None or says(wanted, movie, SETS) for movie in MOVIES]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("popularity", [10, 11, 12, 13, 14]),
        ("relevance", [10, 11, 12, 13, 14]),
        ("rating", [11, 13, 12, 10, 14]),
        ("year", [13, 11, 10, 12, 14]),
        ("title", [13, 11, 12, 14, 10]),
    ],
)
def test_equals_stand_by_popularity_and_what_has_no_value_last(browser, sort, order):
    hits = browser.find_hits("")
    assert [MOVIES[row].movie_id for row in browser.sort_rows(hits.mask, hits, sort)] == order


def test_best_rated_is_not_what_a_few_rated_highest():
    few, many = (
        Movie(i, f"Movie {i}", 2000, (), 1.0, mean, n, None, None) for i, mean, n in [(1, 5.0, 8), (2, 4.5, 200)]
    )
    others = [Movie(i, f"Movie {i}", 2000, (), 1.0, 3.5, 50, None, None) for i in range(3, 9)]
    browser = Browser.from_movies([few, *others, many])
    hits = browser.find_hits("")
    order = [browser.movies[row] for row in browser.sort_rows(hits.mask, hits, "rating")]
    assert order[:2] == [many, few]
    assert order[2:] == others


@pytest.mark.parametrize("sort", SORT_ORDERS)
@pytest.mark.parametrize("query", ["", "a", "nobody"])
def test_going_on_after_each_movie_passes_every_movie_once(browser, sort, query):
    hits = browser.find_hits(query)
    rows = browser.sort_rows(hits.mask, hits, sort)
    assert [browser.count_rows_up_to(rows, row, hits, sort) for row in rows] == list(range(1, len(rows) + 1))


def test_going_on_after_a_movie_that_no_longer_matches_starts_where_it_stood(browser):
    hits = browser.find_hits("")
    rows = browser.sort_rows(hits.mask, hits, "title")
    assert browser.count_rows_up_to(rows[rows != 1], 1, hits, "title") == 1


def test_counts_stand_beside_what_can_be_chosen(browser):
    mask = browser.columns.match_filter(parse_filter("n_ratings:1.."), {})
    assert browser.count_genres(mask) == [
        FacetCount("Action", 1),
        FacetCount("Comedy", 1),
        FacetCount("Drama", 2),
        FacetCount("Sci-Fi", 0),
    ]
    assert browser.count_decades(mask) == [FacetCount("2000", 1), FacetCount("1990", 2), FacetCount("1980", 1)]
    assert browser.count_tags(mask, n=2) == [FacetCount("fruit", 2), FacetCount("hero", 1)]
