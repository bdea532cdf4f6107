"""The back-test: who is asked by what they are known by, and what is pooled over windows."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from movierec.data.schema import RATINGS
from movierec.data.windows import COLD_MOVIES, COLD_USERS, NEWCOMERS, RETURNING, Cases, Window
from movierec.evaluation import backtest
from movierec.evaluation.bootstrap import bootstrap_columns, bootstrap_mean
from movierec.evaluation.evaluated_models import EvaluatedModel
from tests import factories

NO_PROPERTIES = pl.DataFrame(schema=backtest.LIST_PROPERTIES)
CASE_SCHEMA = {"segment": pl.String, **RATINGS}


def cases_of(given, asked):
    """`(segment, user_id, movie_id, rating)`, all of one moment."""
    moment = pl.datetime(2001, 1, 1, time_unit="ms")
    names = ["segment", "user_id", "movie_id", "rating"]
    tables = [pl.DataFrame(rows, schema=names, orient="row").with_columns(rated_at=moment) for rows in (given, asked)]
    return Cases(*(table.cast(CASE_SCHEMA) for table in tables))


def first_movies(users, n, movies=(1, 2, 3)):
    rows = [(user, movie, 1.0, rank + 1) for user in users for rank, movie in enumerate(movies[:n])]
    return pl.DataFrame(rows, schema=["user_id", "movie_id", "score", "rank"], orient="row").cast({"user_id": pl.Int32})


def test_each_segment_is_asked_by_what_is_known_of_its_users():
    asked = []

    def note(name):
        def rank(users, n, given=None):
            known = None if given is None else given.collect().select("user_id", "movie_id").rows()
            asked.append((name, users.tolist(), known))
            return first_movies(users.tolist(), n)

        return rank

    model = EvaluatedModel(note("known"), note("folded in"), note("cold"), note("cold movies"))
    given = [(NEWCOMERS, 2, 7, 4.0), ("given_1", 2, 8, 4.0)]
    liked = [(RETURNING, 1, 3, 5.0), (NEWCOMERS, 2, 9, 4.0), ("given_1", 2, 9, 4.0), (COLD_USERS, 2, 9, 4.0)]
    cases = cases_of(given, [*liked, (COLD_MOVIES, 2, 9, 4.0), (RETURNING, 3, 4, 2.0)])
    table = backtest.rank_cases(model, cases, backtest.select_relevant_movies(cases), n=2)
    assert asked == [
        ("known", [1], None),  # user 3 liked nothing
        ("folded in", [2], [(2, 7)]),
        ("folded in", [2], [(2, 8)]),
        ("cold", [2], None),
        ("cold movies", [2], [(2, 7)]),
    ]
    assert table["segment"].unique(maintain_order=True).to_list() == [
        liked[0][0],
        *(each[0] for each in liked[1:]),
        COLD_MOVIES,
    ]


def test_a_model_that_cannot_answer_a_segment_has_no_rows_there():
    model = EvaluatedModel(lambda users, n: first_movies(users.tolist(), n), lambda *_: first_movies([], 1))
    cases = cases_of([], [(RETURNING, 1, 3, 5.0), (COLD_USERS, 2, 9, 4.0), (COLD_MOVIES, 2, 9, 4.0)])
    table = backtest.rank_cases(model, cases, backtest.select_relevant_movies(cases), n=2)
    assert table["segment"].unique().to_list() == [RETURNING]


def test_where_nobody_is_asked_or_nobody_can_be_answered_there_are_no_rows():
    model = EvaluatedModel(lambda *_: first_movies([], 1), lambda *_: first_movies([], 1))
    for asked in ([], [(COLD_USERS, 2, 9, 4.0)]):
        cases = cases_of([], asked)
        table = backtest.rank_cases(model, cases, backtest.select_relevant_movies(cases), n=2)
        assert table.is_empty()
        assert {"segment", "user_id", "movie_id", "score", "rank"} == set(table.columns)


def rankings_of(*rows):
    """`(window, segment, model, user_id, movies in order)`."""
    places = [
        (window, segment, model, user, movie, 1.0, rank + 1)
        for window, segment, model, user, movies in rows
        for rank, movie in enumerate(movies)
    ]
    names = ["window", "segment", "model", "user_id", "movie_id", "score", "rank"]
    return pl.DataFrame(places, schema=names, orient="row").cast({"user_id": pl.Int32, "movie_id": pl.Int32})


def relevant_of(*rows):
    table = pl.DataFrame(rows, schema=["window", "segment", "user_id", "movie_id"], orient="row")
    return table.cast({"user_id": pl.Int32, "movie_id": pl.Int32})


@pytest.fixture
def scores():
    """User 1 comes back in both windows, user 2 is new in the second; `late` was fitted in the second alone."""
    rankings = rankings_of(
        ("a", RETURNING, "ease", 1, [5, 6]),
        ("b", RETURNING, "ease", 1, [6, 7]),
        ("b", NEWCOMERS, "ease", 2, [8]),
        ("a", RETURNING, "recent_popularity", 1, [9]),
        ("b", RETURNING, "recent_popularity", 1, [7, 6]),
        ("b", NEWCOMERS, "recent_popularity", 2, [1]),
        ("b", RETURNING, "late", 1, [7]),
    )
    relevant = relevant_of(
        ("a", RETURNING, 1, 5), ("b", RETURNING, 1, 7), ("b", NEWCOMERS, 2, 8), ("b", NEWCOMERS, 3, 8)
    )
    return backtest.score_cases(rankings, relevant), rankings


def ndcg_of(scores, model):
    rows = scores.filter(model=model).select("window", "segment", "user_id", "ndcg_at_10").rows()
    return {row[:3]: row[3] for row in rows}


def test_a_user_in_two_windows_is_two_cases_and_who_was_given_nothing_scores_0(scores):
    found = ndcg_of(scores[0], "ease")
    assert found == {
        ("a", RETURNING, 1): 1,
        ("b", RETURNING, 1): pytest.approx(1 / np.log2(3)),
        ("b", NEWCOMERS, 2): 1,
        ("b", NEWCOMERS, 3): 0,
    }
    assert scores[0].columns == list(backtest.SCORES)


def test_a_model_is_measured_only_in_the_windows_it_was_fitted_in(scores):
    assert ndcg_of(scores[0], "late") == {("b", RETURNING, 1): 1}


def test_means_are_over_all_cases_and_raters_are_returning_users_and_newcomers(scores):
    table = backtest.summarize_scores(*scores, NO_PROPERTIES).filter(metric="ndcg_at_10", model="ease")
    means = dict(table.select("segment", "value").iter_rows())
    third = 1 / np.log2(3)
    assert means == {
        RETURNING: pytest.approx((1 + third) / 2),
        NEWCOMERS: 0.5,
        backtest.RATERS: pytest.approx((2 + third) / 4),
    }
    assert table.filter(segment=backtest.RATERS)["n"].item() == 4


def test_distinct_movies_are_counted_in_a_thousand_places(scores):
    table = backtest.summarize_scores(*scores, NO_PROPERTIES).filter(
        metric="distinct_per_1000", segment=RETURNING, model="ease"
    )
    assert table["value"].item() == 1_000 * 3 / 4  # movies 5, 6, 7 in four places


def rated_in(year, *rows):
    """`(user_id, movie_id)`, a day after the other."""
    table = factories.make_ratings(*[(user, movie, 5.0) for user, movie in rows])
    return table.with_columns(pl.col("rated_at").dt.offset_by(f"{year - 2001}y"))


def test_lists_are_compared_with_what_their_users_are_known_by_at_the_cut():
    """User 1 comes back and is known by movie 3, which two have rated; user 4 is new and known by their first half."""
    before = rated_in(2001, (2, 3), *[(1, movie) for movie in (3, 4, 5, 6, 7)])
    inside = rated_in(2002, (1, 8), (4, 3), (4, 9), (5, 3), (5, 3))
    window = Window(datetime(2002, 1, 1), datetime(2003, 1, 1))  # noqa: DTZ001
    found = rankings_of(
        (window.name, RETURNING, "ease", 1, [3]),
        (window.name, NEWCOMERS, "ease", 4, [4]),
        ("other", RETURNING, "ease", 1, [3]),
    )
    table = backtest.measure_list_properties(
        [window], found, pl.concat([before, inside]), factories.make_movies(9).collect()
    )
    lifts = dict(table.select("segment", "popularity_lift").iter_rows())
    assert lifts == {RETURNING: pytest.approx(2 / 1.2 - 1), NEWCOMERS: pytest.approx(1 / 2 - 1)}
    means = backtest.summarize_scores(pl.DataFrame(schema=backtest.SCORES), found.clear(), table)
    assert means.filter(segment=backtest.RATERS, metric="popularity_lift")["n"].item() == 2


def test_models_are_compared_on_the_same_cases_with_the_best_channel_and_recent_popularity(scores):
    table = backtest.compare_with_references(scores[0], ["ease", "recent_popularity"])
    rows = {(r["segment"], r["model"], r["base"]): (r["value"], r["n"]) for r in table.iter_rows(named=True)}
    assert rows[RETURNING, "late", "ease"] == (pytest.approx(1 - 1 / np.log2(3)), 1)
    assert rows[RETURNING, "ease", "recent_popularity"] == (pytest.approx((1 + 1 / np.log2(3) - 1) / 2), 2)
    assert (RETURNING, "ease", "ease") not in rows
    assert backtest.compare_with_references(scores[0].clear(), ["ease"]).is_empty()


def test_where_no_window_is_measured_all_tables_are_empty():
    nothing = pl.LazyFrame(schema={"window": pl.String, "fingerprint": pl.UInt64})
    scores = backtest.score_windows(nothing.collect(), nothing, nothing)
    tables = [
        backtest.summarize_scores(scores, nothing.collect(), NO_PROPERTIES),
        backtest.compare_with_references(scores, ["ease"]),
        backtest.average_by_window(scores),
    ]
    assert [len(table) for table in tables] == [0, 0, 0]
    assert all({"segment", "model"} <= set(table.columns) for table in tables)


def test_cold_users_alone_are_nothing_to_choose_by():
    rankings = rankings_of(("a", COLD_USERS, "popularity", 2, [8])).with_columns(fingerprint=pl.lit(1, pl.UInt64))
    relevant = relevant_of(("a", COLD_USERS, 2, 8)).with_columns(fingerprint=pl.lit(1, pl.UInt64))
    windows = relevant.select("window", "fingerprint")
    scores = backtest.score_windows(windows, rankings.lazy(), relevant.lazy())
    assert scores.is_empty()
    assert backtest.compare_with_references(scores, ["ease"]).is_empty()


def test_quality_over_time_is_by_window(scores):
    table = backtest.average_by_window(scores[0]).filter(segment=backtest.RATERS, model="ease")
    assert table.select("window", "n").rows() == [("a", 1), ("b", 3)]


def test_cases_of_one_user_do_not_make_an_interval_narrower():
    """Everybody four times tells no more than everybody once."""
    values = np.random.default_rng(1).random((60, 2))
    users = np.arange(60, dtype=np.int32)
    once = bootstrap_columns(values)
    assert bootstrap_columns(values, clusters=users) == once
    for one, four in zip(once, bootstrap_columns(np.tile(values, (4, 1)), clusters=np.tile(users, 4)), strict=True):
        assert (four.value, four.low, four.high) == pytest.approx((one.value, one.low, one.high))
        assert four.n == 240
    as_if_apart = bootstrap_mean(np.tile(values[:, 0], 4))
    assert as_if_apart.high - as_if_apart.low < 0.7 * (once[0].high - once[0].low)


def test_users_of_many_cases_count_by_their_cases():
    values, users = np.array([0.0, 0.0, 0.0, 1.0]), np.array([1, 1, 1, 2], np.int32)
    found = bootstrap_mean(values, clusters=users)
    assert (found.value, found.low, found.high, found.n) == (0.25, 0, 1, 4)
