import polars as pl
import pytest

from movierec.evaluation.leaderboard import LEADERBOARD, build_leaderboard, list_costs, sum_stage_costs


@pytest.mark.parametrize(
    ("model", "whom"),
    [("trending", "users"), ("two_stage", "users, by popularity"), ("content", "movies"), ("ease", "neither")],
)
def test_the_table_says_for_whom_a_model_has_an_answer_without_ratings(model, whom):
    own = {"segment": "known", "model": model, "metric": "ndcg_at_10", "value": 0.2}
    none = pl.DataFrame(schema={"segment": pl.String, "model": pl.String, "base": pl.String, "value": pl.Float64})
    table = build_leaderboard(pl.DataFrame([own]), none, protocol="rest_of_sitting")
    assert table["cold_start"].to_list() == [whom]


def test_stages_cost_their_seconds_together_and_the_most_memory_of_any():
    stages = [
        {"fit_seconds": 1.5, "fit_peak_mb": 10.0, "users_per_second": 9.0},
        {"fit_seconds": 2.0, "fit_peak_mb": 4},
    ]
    assert sum_stage_costs(stages) == {"fit_seconds": 3.5, "fit_peak_mb": 10.0}
    assert sum_stage_costs([*stages, {"fit_peak_mb": 12.0}]) == {"fit_peak_mb": 12.0}  # one was not timed


def test_values_differences_and_costs_stand_in_one_table():
    own = {"segment": "known", "model": "ease", "metric": "ndcg_at_10", "value": 0.2, "low": 0.1, "high": 0.3, "n": 9}
    against = {"segment": "known", "model": "ease", "base": "popularity", "value": 0.1, "low": 0.0, "high": 0.2, "n": 9}
    costs = list_costs({"ease": {"fit_seconds": 1.5, "something_else": 3.0}, "svd": {}})
    evaluation = pl.concat([pl.DataFrame([own]), costs], how="diagonal")
    table = build_leaderboard(evaluation, pl.DataFrame([against]), protocol="rest_of_sitting", liked_nothing=3)
    assert table["liked_nothing"].to_list() == [3, 3, 3]
    assert dict(table.schema) == LEADERBOARD
    assert table.select("protocol", "model", "base", "metric", "value", "n").rows() == [
        ("rest_of_sitting", "ease", None, "ndcg_at_10", 0.2, 9),
        ("rest_of_sitting", "ease", None, "fit_seconds", 1.5, None),
        ("rest_of_sitting", "ease", "popularity", "ndcg_at_10", 0.1, 9),
    ]
