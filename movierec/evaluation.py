"""How good each model is on the holdout, with intervals, and which floors it must keep."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec import metrics
from movierec.interactions import UNKNOWN, Interactions, Rows, Scores, as_table, top_unseen
from movierec.ranking import RELEVANT
from movierec.sampling import bucket

RESAMPLES = 2000
BLOCK_RESAMPLES = 100  # counts of draws that are held at once
HOLDOUT_DRAW = 3  # not the draw of the sample, of the label users, or of early stopping

# A model and what it must not be worse than.
FLOORS = (
    ("popularity", "random"),
    ("ials", "popularity"),
    ("ease", "popularity"),
    ("item_knn", "popularity"),
    ("two_stage_ials", "popularity"),
    ("two_stage", "popularity"),
)
# What each stage adds to the one before it.
STAGES = (
    ("two_stage_ials", "ials"),
    ("blend", "ease"),
    ("two_stage", "blend"),
    ("two_stage", "ease"),
    ("two_stage", "ials"),
    ("two_stage", "item_knn"),
)


class Interval(NamedTuple):
    """A mean over `n` users with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    n: int


def relevant_pairs(holdout: pl.LazyFrame, *, max_users: int) -> pl.DataFrame:
    """`user_id, movie_id` of the movies each user liked in the holdout; of more than `max_users` a fixed draw.

    Users who liked nothing there cannot be scored and have no rows. Raises ValueError when nobody liked anything.
    """
    liked = holdout.filter(pl.col("rating") >= RELEVANT).select("user_id", "movie_id").collect(engine="streaming")
    if liked.is_empty():
        raise ValueError(
            f"nobody rated a movie {RELEVANT} or better in the holdout, so nothing can be measured: take a larger "
            "sample, or data in which users have at least 5 ratings"
        )
    users = (
        liked.select(pl.col("user_id").unique())
        .sort(bucket(pl.col("user_id"), draw=HOLDOUT_DRAW), "user_id")
        .head(max_users)
    )
    return liked.join(users, on="user_id", how="semi").sort("user_id", "movie_id")


def evaluate(rankings: Mapping[str, pl.DataFrame], relevant: pl.DataFrame, *, n_movies: int) -> pl.DataFrame:
    """`model, metric, value, low, high, n` for every model and metric; all models on the same users.

    Coverage is of the whole list, not of a user, and has no interval: low and high are null.
    """
    rows: list[tuple[str, str, float, float | None, float | None, int]] = []
    for model, ranking in rankings.items():
        scores = metrics.per_user(ranking, relevant).drop("user_id")
        intervals = bootstrap_columns(scores.to_numpy())
        rows += [(model, name, *interval) for name, interval in zip(scores.columns, intervals, strict=True)]
        rows += [
            (model, f"coverage_at_{k}", metrics.coverage(ranking, n_movies, k), None, None, len(scores))
            for k in metrics.KS
        ]
    return pl.DataFrame(rows, schema=["model", "metric", "value", "low", "high", "n"], orient="row")


def difference(
    better: pl.DataFrame, base: pl.DataFrame, relevant: pl.DataFrame, metric: str = "ndcg_at_10"
) -> Interval:
    """Paired difference of two rankings on the same users, `better` minus `base`."""
    scores = [metrics.per_user(ranking, relevant)[metric].to_numpy() for ranking in (better, base)]
    return bootstrap(scores[0] - scores[1])


def differences(
    rankings: Mapping[str, pl.DataFrame], relevant: pl.DataFrame, pairs: Sequence[tuple[str, str]]
) -> pl.DataFrame:
    """`model, base, value, low, high, n`: the paired nDCG@10 difference of each (model, base)."""
    rows = [(model, base, *difference(rankings[model], rankings[base], relevant)) for model, base in pairs]
    return pl.DataFrame(rows, schema=["model", "base", "value", "low", "high", "n"], orient="row")


def bootstrap(values: npt.NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 7) -> Interval:
    """Mean of `values`, one a user, with the 95 % percentile interval of its bootstrap distribution (Efron 1979)."""
    (interval,) = bootstrap_columns(values[:, None], resamples=resamples, seed=seed)
    return interval


def bootstrap_columns(values: npt.NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 7) -> list[Interval]:
    """The interval of each column of `values` (users x metrics), over the same resamples of the users."""
    n = len(values)
    if n == 0:
        return [Interval(float("nan"), float("nan"), float("nan"), 0)] * values.shape[1]
    # How often each user is drawn; a resample's mean is then a product.
    random = np.random.default_rng(seed)
    means = np.concatenate(
        [
            random.multinomial(n, np.full(n, 1 / n), size=min(BLOCK_RESAMPLES, resamples - done)) @ values / n
            for done in range(0, resamples, BLOCK_RESAMPLES)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    rows = zip(values.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(value, lower, upper, n) for value, lower, upper in rows]


def failed_floors(table: pl.DataFrame) -> list[str]:
    """Which of FLOORS are surely missed, in words: nothing may be published while this is not empty.

    `table` is as `differences` makes it. A model fails its floor when even the upper end of the interval of
    its difference lies below zero, so a sample too small to tell does not stop the graph.
    """
    return [
        f"{row['model']} is worse than {row['base']}: nDCG@10 {row['value']:+.4f} "
        f"[{row['low']:+.4f}, {row['high']:+.4f}], n = {row['n']}"
        for row in table.iter_rows(named=True)
        if (row["model"], row["base"]) in FLOORS and row["high"] < 0
    ]


def by_model(rankings: pl.DataFrame, models: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The rankings of each of `models` out of a table with a column `model`; empty for one that recommended nothing."""
    return {model: rankings.filter(pl.col("model") == model).drop("model") for model in models}


def random_ranking(interactions: Interactions, user_ids: npt.ArrayLike, *, n: int, seed: int = 7) -> pl.DataFrame:
    """`n` unseen movies of each known user in an order drawn by lot: the floor of all floors."""
    random = np.random.default_rng(seed)
    asked = np.asarray(user_ids, dtype=np.int32)
    rows = interactions.rows_of(asked)
    known = rows != UNKNOWN

    def lots(block: Rows) -> Scores:
        return random.random((len(block), len(interactions.movie_ids)), dtype=np.float32)

    columns, scores = top_unseen(lots, interactions, rows[known], n=n)
    return as_table(asked[known], interactions.movie_ids, columns, scores)
