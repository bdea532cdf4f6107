import numpy as np
import polars as pl
import pytest

from movierec.evaluation import promotion
from movierec.evaluation.promotion import choose_served_stage, judge_challenger

RANDOM = np.random.default_rng(8)
CHAMPION = pl.DataFrame({"user_id": range(400), "ndcg_at_10": RANDOM.random(400)})


def challenger(gain):
    noise = pl.Series(RANDOM.normal(0, 0.02, 400))
    return CHAMPION.with_columns(ndcg_at_10=pl.col("ndcg_at_10") + gain + noise)


def judge(gain, **coverages):
    return judge_challenger(challenger(gain), CHAMPION, **({"coverage": 0.1, "champion_coverage": 0.1} | coverages))


def test_a_better_one_is_promoted():
    verdict = judge(+0.02)
    assert verdict.is_promoted
    assert verdict.difference.low > 0


def test_one_that_is_as_good_is_promoted():
    assert judge(0.0).is_promoted


def test_one_that_loses_more_than_the_margin_is_not():
    verdict = judge(-0.03)
    assert not verdict.is_promoted
    assert "a loss of 0.01 is not excluded" in verdict.reason
    assert "n = 400" in verdict.reason


def test_one_that_cannot_be_told_from_a_loser_is_not():
    few = CHAMPION.head(5).with_columns(ndcg_at_10=pl.Series([0.0, 1.0, 0.0, 1.0, 0.0]))
    assert not judge_challenger(few, CHAMPION, coverage=0.1, champion_coverage=0.1).is_promoted


def test_one_that_shows_far_fewer_movies_is_not():
    verdict = judge(+0.02, coverage=0.04)
    assert not verdict.is_promoted
    assert "coverage 0.040 is less than half" in verdict.reason


def test_without_a_champion_there_is_no_contest():
    verdict = judge_challenger(challenger(0), None, coverage=0.1)
    assert (verdict.is_promoted, verdict.difference) == (True, None)


@pytest.mark.parametrize(
    ("value", "high", "served"),
    [(+0.02, 0.04, "two_stage"), (-0.03, -0.001, "blend"), (-0.03, +0.001, "blend"), (0.0, 0.0, "blend")],
)
def test_a_ranker_that_does_not_beat_its_candidates_is_left_out_and_the_interval_is_told(value, high, served):
    rows = [
        ("known", "two_stage", "blend", value, -0.07, high, 9),
        ("known", "two_stage", "ease", -0.01, -0.02, -0.01, 9),
    ]
    table = pl.DataFrame(rows, schema=["segment", "model", "base", "value", "low", "high", "n"], orient="row")
    stage = choose_served_stage(table)
    assert stage.name == served
    assert f"{value:+.4f} [-0.0700, {high:+.4f}], n = 9" in stage.reason


def test_a_challenger_that_has_become_slow_is_not_promoted():
    verdict = judge(0.0, seconds=0.2, champion_seconds=0.09)
    assert not verdict.is_promoted
    assert "200 ms for one user, the champion takes 90 ms" in verdict.reason
    assert judge(0.0, seconds=0.2, champion_seconds=0.11).is_promoted
    assert judge(0.0, seconds=0.04, champion_seconds=0.001).is_promoted  # quick enough


def test_a_champion_that_cannot_be_timed_is_contested_all_the_same_and_that_is_said():
    for gain, promoted in ((+0.02, True), (-0.03, False)):
        assert judge(gain, seconds=9.0, champion_seconds=None).is_promoted is promoted
    assert judge(+0.02, champion_seconds=None).reason.endswith("nobody compared how fast they answer")
    assert "how fast" not in judge(+0.02, champion_seconds=0.01).reason


def backtest_table(**values):
    rows = [("raters", model, "ndcg_at_10", value, value - 0.01, value + 0.01, 50) for model, value in values.items()]
    other = [("newcomers", model, "ndcg_at_10", 1 - value, 0.0, 1.0, 50) for model, value in values.items()]
    names = ["segment", "model", "metric", "value", "low", "high", "n"]
    return pl.DataFrame(rows + other, schema=names, orient="row")


@pytest.mark.parametrize(
    ("values", "served"),
    [
        ({"two_stage": 0.20, "blend": 0.19, "ease": 0.18}, "two_stage"),
        ({"two_stage": 0.271, "blend": 0.225, "ease": 0.275}, "ease"),
        ({"two_stage": 0.18, "blend": 0.19, "ease": 0.18}, "blend"),
        ({"two_stage": 0.18, "blend": 0.18, "ease": 0.18}, "two_stage"),
        ({"blend": 0.1, "ease": 0.2, "item_knn": 0.9}, "ease"),  # what is no channel is not served
    ],
)
def test_what_is_served_is_never_below_the_best_single_channel(values, served):
    stage = promotion.choose_served_model(backtest_table(**values), ["two_stage", "blend", "ease"])
    assert stage.name == served
    assert f"{values[served]:.4f}" in stage.reason


def test_scores_of_windows_are_paired_in_the_windows_of_both():
    def scores_of(**by_window):
        rows = [(window, 1, user, value) for window, values in by_window.items() for user, value in values.items()]
        return pl.DataFrame(rows, schema=["window", "fingerprint", "user_id", "ndcg_at_10"], orient="row")

    challenger = scores_of(b={1: 0.5, 2: 0.5}, c={3: 0.1})
    champion = scores_of(a={1: 0.9}, b={1: 0.4, 2: 0.4})
    verdict = judge_challenger(challenger, champion, coverage=1.0, seconds=0.01, champion_seconds=0.01)
    assert verdict.is_promoted
    assert verdict.difference[:1] + verdict.difference[3:] == (pytest.approx(0.1), 2)
    alone = judge_challenger(challenger, scores_of(a={1: 0.9}), coverage=1.0)
    assert alone.is_promoted
    assert "none of the same windows" in alone.reason
    other_ratings = champion.with_columns(fingerprint=pl.lit(2, pl.Int64))
    assert "none of the same" in judge_challenger(challenger, other_ratings, coverage=1.0).reason
