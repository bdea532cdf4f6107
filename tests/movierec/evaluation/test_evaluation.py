import numpy as np
import polars as pl
import pytest

from movierec.candidates.ease import EASE
from movierec.data.interactions import Interactions
from movierec.data.splitting import ratings_at_cut, split_by_user
from movierec.evaluation import bootstrap, evaluation, holdout
from tests import factories
from tests.movierec.evaluation.test_metrics import ranking, relevant


def test_the_interval_holds_the_mean_and_narrows_with_n():
    draws = np.random.default_rng(3).normal(0.2, 0.1, 4000)
    wide, narrow = bootstrap.bootstrap_mean(draws[:100]), bootstrap.bootstrap_mean(draws)
    assert wide.low < wide.value < wide.high
    # The normal approximation of the same interval: mean +- 1.96 s / sqrt(n).
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 0.1 / 4000**0.5, rel=0.1)
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(40**0.5, rel=0.25)


def test_the_same_values_give_the_same_interval():
    values = np.array([0.0, 1.0, 0.5])
    assert bootstrap.bootstrap_mean(values) == bootstrap.bootstrap_mean(values)


def test_nobody_to_score_is_not_a_number_and_not_a_zero():
    assert np.isnan(bootstrap.bootstrap_mean(np.array([])).value)


def test_differences_are_paired_by_user():
    truth = pl.concat([relevant(1, user=user) for user in range(1, 51)])
    good = pl.concat([ranking(1, 2, user=user) for user in range(1, 51)])
    bad = pl.concat([ranking(2, 1, user=user) for user in range(1, 51)])
    models = {"good": good, "bad": bad}
    tables = [table.with_columns(segment=pl.lit("known"), model=pl.lit(name)) for name, table in models.items()]
    table = evaluation.compare_models(pl.concat(tables), truth.with_columns(segment=pl.lit("known")), [("good", "bad")])
    found = bootstrap.Interval(*table.select("value", "low", "high", "n").row(0))
    # Every user gains the same, so the interval has no width, however much users differ among themselves.
    assert [found.low, found.high] == pytest.approx([1 - 1 / np.log2(3)] * 2)
    assert found.n == 50


def test_only_what_is_surely_worse_fails_its_floor():
    table = pl.DataFrame(
        [
            ("known", "ials", "popularity", -0.1, -0.2, -0.01, 9),
            ("known", "ease", "popularity", -0.1, -0.3, 0.01, 9),
            ("known", "popularity", "random", 0.1, 0.0, 0.2, 9),
            ("known", "two_stage", "popularity", -0.1, -0.2, -0.01, 5),  # five users cannot tell
            ("known", "transitions", "popularity", -0.1, -0.2, -0.01, 9),  # where times have no order it may be so
            ("known", "blend", "ease", -0.1, -0.2, -0.01, 9),  # what a stage adds is told, and is no floor
            ("given_1", "item_knn", "popularity", -0.1, -0.2, -0.01, 9),  # nor is what holds after one rating
        ],
        schema=["segment", "model", "base", "value", "low", "high", "n"],
        orient="row",
    )
    (fault,) = evaluation.list_failed_floors(table.clear(), table)
    of_windows = table.with_columns(pl.col("segment").replace("known", "raters"))
    assert evaluation.list_failed_floors(of_windows, table.clear()) == [fault]
    assert fault.startswith("ials is worse than popularity: nDCG@10 -0.1000 [-0.2000, -0.0100], n = 9")


def test_no_user_is_dropped_from_the_table():
    truth = pl.concat([relevant(1), relevant(2, user=2)]).with_columns(segment=pl.lit("known"))
    others = pl.concat([truth, relevant(1).with_columns(segment=pl.lit("cold"))])
    found = pl.concat([ranking(1), ranking(2, user=3)]).with_columns(segment=pl.lit("known"), model=pl.lit("m"))
    popularity = pl.DataFrame({"movie_id": [1], "n_ratings": [2]}, schema={"movie_id": pl.Int32, "n_ratings": pl.Int32})
    table = evaluation.evaluate_rankings(found, others, popularity, n_movies=4, n_users=8)
    assert table["segment"].unique().to_list() == ["known"]
    ndcg = table.filter(metric="ndcg_at_10").row(0, named=True)
    assert (ndcg["value"], ndcg["n"]) == (0.5, 2)
    coverage = table.filter(metric="coverage_at_10").row(0, named=True)
    assert (coverage["value"], coverage["low"]) == (0.5, None)
    assert table.filter(metric="novelty_at_10")["value"].item() == pytest.approx((2 + 3) / 2)  # of 2/8 and of 1/8


def test_relevant_is_what_was_liked_and_a_larger_draw_holds_the_smaller():
    rows = [(user, movie, 4.0) for movie in range(1, 6) for user in range(1, 101)]
    split = split_by_user(factories.make_ratings(*rows, *[(200, movie, 3.5) for movie in range(1, 6)]))
    draws = [set(holdout.select_relevant_pairs(split, max_users=n)["user_id"]) for n in (10, 50, 1000)]
    assert [len(draw) for draw in draws] == [10, 50, 100]
    assert draws[0] < draws[1] < draws[2]
    # User 200 rated in the holdout and liked nothing.
    assert holdout.count_users_without_likes(split) == 1


def test_a_model_of_the_history_is_validated_on_the_labels():
    rows = [(user, 1 + (user + i) % 20, 5.0) for user in range(1, 41) for i in range(15)]
    split = split_by_user(factories.make_ratings(*rows))
    history = Interactions.from_ratings(ratings_at_cut(split, "history"))
    model = EASE.fit(history)
    found = evaluation.validate_on_labels(model, history, split, max_users=1000)
    assert found["recall_at_20"] == 1  # all that is left
    assert 0 < found["coverage_at_5"] <= 1
    assert evaluation.validate_on_labels(model, history, split.with_columns(rating=pl.lit(1.0)), max_users=1000) == {}


def test_a_random_ranking_is_of_unseen_movies_and_the_same_each_time():
    board = Interactions.from_ratings(factories.make_checkerboard_ratings(10, 10))
    table = evaluation.rank_randomly(board, [1, 2, 999], n=20)
    assert table.equals(evaluation.rank_randomly(board, [1, 2, 999], n=20))
    assert table["user_id"].unique().to_list() == [1, 2]
    assert set(table.filter(user_id=2)["movie_id"]) == {1, 2, 3, 5, 7, 9}
