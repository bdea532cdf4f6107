"""The leaderboard: metrics, paired differences and costs of every model under every protocol, in one table."""

from collections.abc import Mapping, Sequence

import polars as pl

from movierec.candidates import CANDIDATE_MODELS
from movierec.evaluation.holdout import KNOWN_USERS
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS

LEADERBOARD = {
    "protocol": pl.String,
    "segment": pl.String,
    "model": pl.String,
    "base": pl.String,  # of a paired difference model - base; null where the value is the model's own
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,  # 95 % interval over users; null for what has none
    "high": pl.Float64,
    "n": pl.Int64,  # users scored; null for a cost
    "cold_start": pl.String,  # for whom the model has an answer without ratings: one of the four below
    "liked_nothing": pl.Int64,  # users of the segment who could not be scored
}
ANSWERS_USERS, ANSWERS_USERS_BY_POPULARITY, ANSWERS_MOVIES, ANSWERS_NEITHER = (
    "users",
    "users, by popularity",
    "movies",
    "neither",
)
COLD_START_BY_MODEL = (
    {name: ANSWERS_USERS for name, spec in CANDIDATE_MODELS.items() if spec.is_same_for_everybody}
    | {name: ANSWERS_MOVIES for name, spec in CANDIDATE_MODELS.items() if spec.reads_content}
    | {"random": ANSWERS_MOVIES}
    | dict.fromkeys(("blend", *RECOMMENDER_CHANNELS), ANSWERS_USERS_BY_POPULARITY)
)
ROLLING_CLOCK, REST_OF_SITTING = "rolling_clock", "rest_of_sitting"  # the protocols
COST_METRICS = ("fit_seconds", "fit_peak_mb", "users_per_second")


def build_leaderboard(
    evaluation: pl.DataFrame, comparison: pl.DataFrame, *, protocol: str, liked_nothing: int | None = None
) -> pl.DataFrame:
    """Rows of LEADERBOARD for one protocol, from its metrics and its paired differences.

    `evaluation` is `segment, model, metric, value, low, high, n`, `comparison` is `segment, model, base, value, low,
    high, n` of nDCG@10. `liked_nothing` is the number of users who could not be scored.
    """
    differences = comparison.with_columns(metric=pl.lit("ndcg_at_10"))
    table = pl.concat([evaluation, differences], how="diagonal_relaxed").with_columns(
        protocol=pl.lit(protocol),
        cold_start=pl.col("model").replace_strict(COLD_START_BY_MODEL, default=ANSWERS_NEITHER, return_dtype=pl.String),
        liked_nothing=pl.lit(liked_nothing, pl.Int64),
    )
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in LEADERBOARD.items() if name not in table.columns]
    return table.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in LEADERBOARD.items())


def list_costs(costs: Mapping[str, Mapping[str, float]]) -> pl.DataFrame:
    """`segment, model, metric, value` of those costs that are in COST_METRICS; `costs` by model, then by name."""
    rows = [
        (KNOWN_USERS, model, name, of_model[name])
        for model, of_model in costs.items()
        for name in COST_METRICS
        if name in of_model
    ]
    columns = {"segment": pl.String, "model": pl.String, "metric": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def sum_stage_costs(stages: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Cost of fitting the stages one after the other: seconds are added, peak memory is the maximum.

    A cost that is not known for every stage is left out.
    """
    costs: dict[str, float] = {}
    for name, together in (("fit_seconds", sum), ("fit_peak_mb", max)):
        if all(name in stage for stage in stages):
            costs[name] = together(stage[name] for stage in stages)
    return costs
