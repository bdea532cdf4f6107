import polars as pl

from movierec.leaderboard import LEADERBOARD, leaderboard


def test_values_differences_and_costs_stand_in_one_table():
    own = {"segment": "known", "model": "ease", "metric": "ndcg_at_10", "value": 0.2, "low": 0.1, "high": 0.3, "n": 9}
    against = {"segment": "known", "model": "ease", "base": "popularity", "value": 0.1, "low": 0.0, "high": 0.2, "n": 9}
    costs = {"ease": {"fit_seconds": 1.5, "something_else": 3.0}, "svd": {}}
    table = leaderboard(
        pl.DataFrame([own]), pl.DataFrame([against]), costs, protocol="per_user", liked_nothing={"known": 3}
    )
    assert table["liked_nothing"].to_list() == [3, 3, 3]
    assert dict(table.schema) == LEADERBOARD
    assert table.select("protocol", "model", "base", "metric", "value", "n").rows() == [
        ("per_user", "ease", None, "ndcg_at_10", 0.2, 9),
        ("per_user", "ease", "popularity", "ndcg_at_10", 0.1, 9),
        ("per_user", "ease", None, "fit_seconds", 1.5, None),
    ]
