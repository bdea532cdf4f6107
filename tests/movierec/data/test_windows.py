"""Windows of the calendar, and whom they ask about."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from movierec.data.schema import RATINGS
from movierec.data.windows import (
    COLD_MOVIES,
    COLD_USERS,
    NEWCOMERS,
    RETURNING,
    SEGMENTS,
    Window,
    choose_windows,
    compute_fingerprints,
    ratings_before_cut,
    select_cases,
    select_current_windows,
)

START = datetime(2001, 1, 10)  # noqa: DTZ001  rated_at is UTC without a zone
CUT, END = datetime(2002, 1, 1), datetime(2003, 1, 1)  # noqa: DTZ001
WINDOW = Window(CUT, END)


def rated(user, movies, *, at, every=timedelta(days=1), rating=4.0):
    """Rows of one user: a movie after the other, from a moment on."""
    return [(user, movie, rating, at + i * every) for i, movie in enumerate(movies)]


def table(*rows):
    return pl.LazyFrame(rows, schema=RATINGS, orient="row")


def spread_over(days, *, n=2_000):
    """Ratings evenly over so many days, none of a pair twice."""
    return table(*[(i % 50, i, 4.0, START + timedelta(days=days * i / (n - 1))) for i in range(n)])


@pytest.mark.parametrize(
    ("days", "cuts"),
    [
        (10 * 365, [f"{year}-01-01" for year in range(2002, 2011)]),
        (2 * 365, ["2001-04-01", "2001-07-01", "2001-10-01", "2002-01-01", "2002-04-01", "2002-07-01", "2002-10-01"]),
        (200, ["2001-02-01", "2001-03-01", "2001-04-01", "2001-05-01", "2001-06-01", "2001-07-01"]),
        (8, ["2001-01-11", "2001-01-12", "2001-01-13", "2001-01-14", "2001-01-15", "2001-01-16", "2001-01-17"]),
    ],
)
def test_windows_are_as_long_as_the_time_of_the_ratings_allows(days, cuts):
    windows = choose_windows(spread_over(days))
    assert [window.name for window in windows] == cuts
    assert [window.end for window in windows[:-1]] == [window.cut for window in windows[1:]]


@pytest.mark.parametrize("ratings", [table(), table((1, 1, 4.0, START)), spread_over(2)])
def test_ratings_of_too_little_time_have_no_windows(ratings):
    assert choose_windows(ratings) == []


def test_a_chosen_interval_and_number_hold():
    windows = choose_windows(spread_over(3 * 365), interval="1mo", max_windows=4)
    assert [window.name for window in windows] == ["2003-09-01", "2003-10-01", "2003-11-01", "2003-12-01"]


def test_a_window_has_a_past_and_most_of_its_time_behind_it():
    """A thousandth of the ratings lie before 2003, and 2010 has only begun."""
    few = table(*rated(1, [1], at=START))
    many = table(*[(i % 50, i, 4.0, datetime(2003, 1, 1) + timedelta(days=2.6 * i)) for i in range(999)])  # noqa: DTZ001
    names = [window.name for window in choose_windows(pl.concat([few, many]))]
    assert names == ["2004-01-01", "2005-01-01", "2006-01-01", "2007-01-01", "2008-01-01", "2009-01-01"]


def test_new_ratings_add_windows_and_leave_the_others_as_they_were():
    before = spread_over(10 * 365)
    later = table(*rated(99, range(5_000, 5_400), at=START + timedelta(days=10 * 365 + 1)))
    old, new = (choose_windows(ratings, max_windows=99) for ratings in (before, pl.concat([later, before])))
    assert [window.name for window in new] == [*(window.name for window in old), "2011-01-01"]
    for window in old:
        assert compute_fingerprints(before, [window]) == compute_fingerprints(pl.concat([later, before]), [window])


@pytest.mark.parametrize("column", ["rating", "rated_at", "movie_id"])
def test_another_rating_before_its_end_makes_a_window_another(column):
    ratings = table(*rated(1, range(1, 9), at=CUT - timedelta(days=4)))
    other = {
        "rating": pl.col("rating") - 1,
        "rated_at": pl.col("rated_at") + timedelta(hours=1),
        "movie_id": pl.lit(99),
    }
    changed = ratings.with_columns(
        pl.when(pl.col("movie_id") == 7)
        .then(other[column])
        .otherwise(pl.col(column))
        .cast(RATINGS[column])
        .alias(column)
    )
    assert compute_fingerprints(ratings, [WINDOW]) != compute_fingerprints(changed, [WINDOW])
    assert compute_fingerprints(ratings, [WINDOW]) != compute_fingerprints(ratings, [WINDOW], recipe="another feature")
    shuffled = ratings.collect().sample(fraction=1, shuffle=True, seed=1).lazy()
    assert compute_fingerprints(ratings, [WINDOW]) == compute_fingerprints(shuffled, [WINDOW])


def test_only_tables_of_the_ratings_as_they_are_count():
    windows = pl.DataFrame({"window": ["a", "b"], "fingerprint": pl.Series([1, 2], dtype=pl.UInt64)})
    stored = pl.LazyFrame(
        {"window": ["a", "b", "c"], "fingerprint": pl.Series([1, 9, 3], dtype=pl.UInt64), "value": [10, 20, 30]}
    )
    assert select_current_windows(stored, windows).to_dict(as_series=False) == {"window": ["a"], "value": [10]}


@pytest.fixture
def cases():
    """Users 1 (6 ratings before the cut) and 2 (3 before it) come back; 3 and 4 are new; 5 was there before alone."""
    before = CUT - timedelta(days=20)
    rows = [
        *rated(1, range(1, 7), at=before),
        *rated(1, [11, 12], at=CUT),
        *rated(2, range(1, 4), at=before),
        *rated(2, [13], at=CUT),
        *rated(3, [1, 2, 3, 4, 5, 6, 51], at=CUT),
        *rated(4, [2], at=CUT),
        *rated(5, range(1, 9), at=before),
        *rated(6, [1, 2], at=END),
    ]
    return select_cases(table(*rows), WINDOW, max_users=100)


def movies_of(rows, segment, user):
    return rows.filter(segment=segment, user_id=user)["movie_id"].to_list()


def test_returning_users_are_known_by_their_past_and_asked_what_they_rate_in_the_window(cases):
    returning = cases.take(RETURNING)
    assert returning.given.is_empty()
    assert returning.asked.select("user_id", "movie_id").rows() == [(1, 11), (1, 12)]


def test_newcomers_give_a_part_and_are_asked_for_the_rest(cases):
    assert movies_of(cases.given, NEWCOMERS, 3) == [1, 2, 3]
    assert movies_of(cases.asked, NEWCOMERS, 3) == [4, 5, 6, 51]
    assert movies_of(cases.given, "given_5", 3) == [1, 2, 3, 4, 5]
    assert movies_of(cases.asked, "given_5", 3) == [6, 51]
    assert movies_of(cases.asked, "given_10", 3) == []  # has only seven


def test_cold_users_give_nothing_and_cold_movies_had_no_rating(cases):
    assert cases.take(COLD_USERS).given.is_empty()
    assert cases.take(COLD_USERS).asked["user_id"].unique().sort().to_list() == [3, 4]
    assert cases.take(COLD_MOVIES).asked.select("user_id", "movie_id").rows() == [(3, 51)]


def test_nobody_is_asked_who_has_few_ratings_before_the_cut_or_none_in_the_window(cases):
    assert set(cases.asked["user_id"]) == {1, 3, 4}


def test_what_is_asked_lies_in_the_window_and_what_is_known_before_it(cases):
    assert cases.asked["rated_at"].is_between(CUT, END, closed="left").all()
    assert cases.given["rated_at"].is_between(CUT, END, closed="left").all()
    assert set(cases.asked["segment"]) <= set(SEGMENTS)
    ratings = table(*rated(1, [1, 2], at=CUT - timedelta(seconds=1), every=timedelta(seconds=1)))
    assert ratings_before_cut(ratings, WINDOW).collect()["movie_id"].to_list() == [1]


def test_ratings_of_one_second_are_ordered_by_lot():
    """The order of the ids would give everybody the same half."""
    rows = [row for user in range(40) for row in rated(user, range(1, 11), at=CUT, every=timedelta(0))]
    given = select_cases(table(*rows), WINDOW, max_users=100).take(NEWCOMERS).given
    counts = given.group_by("movie_id").len()
    assert len(counts) == 10
    assert counts["len"].max() < 40
    again = select_cases(table(*rows[::-1]), WINDOW, max_users=100).take(NEWCOMERS).given
    assert given.equals(again)


def test_of_many_users_a_fixed_draw_is_asked():
    rows = [row for user in range(30) for row in rated(user, range(1, 5), at=CUT)]
    drawn, again = (select_cases(table(*order), WINDOW, max_users=10) for order in (rows, rows[::-1]))
    assert drawn.take(NEWCOMERS).asked["user_id"].n_unique() == 10
    assert drawn.asked.sort(pl.all()).equals(again.asked.sort(pl.all()))
