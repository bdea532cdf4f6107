"""Evaluation: every model on the rest of each user's sitting, what diversity costs, and the leaderboard of all results.

The clock that is the same for everybody is in `assets.backtest`.
"""

import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.candidates import (
    SERVED_MODELS,
    build_model_inputs,
    get_asset_name,
    report_left_out,
)
from assets.features import interactions_input, select_features_at_cut
from assets.partitions import PARQUET_KINDS, sample_partitions
from assets.ranking import RANKER_TYPES, get_ranker_name
from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.popularity import Popularity
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.sampling import MAX_USERS_PER_SEGMENT
from movierec.data.windows import RATERS
from movierec.evaluation import evaluation as evaluating
from movierec.evaluation import holdout
from movierec.evaluation.diversity import measure_diversity
from movierec.evaluation.evaluated_models import build_evaluated_models
from movierec.evaluation.leaderboard import (
    REST_OF_SITTING,
    ROLLING_CLOCK,
    build_leaderboard,
    list_costs,
    sum_stage_costs,
)
from movierec.evaluation.metrics import KS
from movierec.recommender.popular import PopularMovies
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, Retrieval
from movierec.recommender.two_stage import Recommender
from resources import plots
from resources.io_managers import render_markdown_table
from resources.mlflow_tracking import MlflowTracking
from resources.sources.dataset import Dataset

GROUP = "evaluation"
OWNERS = ["team:ml"]
_table_asset = partial(dg.asset, partitions_def=sample_partitions, group_name=GROUP, kinds=PARQUET_KINDS, owners=OWNERS)
EXPERIMENT = "leaderboard"
ASSET_BY_MODEL = {name: get_asset_name(name, "known") for name in CANDIDATE_MODELS} | {
    recommender: get_ranker_name(recommender) for recommender in RECOMMENDER_CHANNELS
}
BLEND_SPEED_METRIC = "blend_users_per_second"  # the blend has no fit of its own: with the ranker that orders it
SPEED_METRIC_BY_MODEL = {model: (asset, "users_per_second") for model, asset in ASSET_BY_MODEL.items()} | {
    "blend": (get_ranker_name("two_stage"), BLEND_SPEED_METRIC)
}

_MAY_BE_MISSING = [name for name in CANDIDATE_MODELS if name not in SERVED_MODELS]
_RECOMMENDERS_THAT_MAY_BE_MISSING = [name for name in RECOMMENDER_CHANNELS if name not in SERVED_MODELS]


def build_ranker_inputs(recommenders: Iterable[str]) -> dict[str, dg.AssetIn]:
    """The rankers of the recommenders as inputs of an asset, each under its asset's name."""
    return {get_ranker_name(name): dg.AssetIn(dagster_type=RANKER_TYPES[name]) for name in recommenders}


def drop_unfitted(models: Mapping[str, Any]) -> dict[str, Any]:
    return {name: model for name, model in models.items() if not isinstance(model, UnfittedModel)}


class EvaluationConfig(dg.Config):
    """The largest number of holdout users. They are drawn by a hash of the id, the same every time."""

    max_users: int = MAX_USERS_PER_SEGMENT


@_table_asset()
def sitting_relevant(context: dg.AssetExecutionContext, config: EvaluationConfig, split: pl.LazyFrame) -> pl.DataFrame:
    """The pairs that should be found: movies that a user liked in the holdout, the rest of their sitting."""
    pairs = holdout.select_relevant_pairs(split, max_users=config.max_users)
    context.add_output_metadata(
        {
            "users": pairs["user_id"].n_unique(),
            "users_who_liked_nothing": holdout.count_users_without_likes(split),
        }
    )
    return pairs


@_table_asset(
    ins=interactions_input("known")
    | build_model_inputs(CANDIDATE_MODELS, "known")
    | build_ranker_inputs(RECOMMENDER_CHANNELS),
)
def sitting_rankings(
    context: dg.AssetExecutionContext,
    sitting_relevant: pl.DataFrame,
    interactions: Interactions,
    user_features: pl.LazyFrame,
    movie_features: pl.LazyFrame,
    tracking: MlflowTracking,
    **fitted: Any,
) -> pl.DataFrame:
    """`segment, model, user_id, movie_id, score, rank`: what each model recommends from what it knows so far."""
    rankers = {name: fitted.pop(get_ranker_name(name)) for name in RECOMMENDER_CHANNELS}
    features = select_features_at_cut("known", user_features, movie_features)
    models = build_evaluated_models(drop_unfitted(fitted), drop_unfitted(rankers), interactions, features)
    users = sitting_relevant["user_id"].unique().sort().to_numpy()
    tables = []
    for name, model in models.items():
        started = time.perf_counter()
        table = model.rank_known_users(users, max(KS))
        seconds = time.perf_counter() - started
        tables.append(table.with_columns(model=pl.lit(name), segment=pl.lit(holdout.KNOWN_USERS)))
        if name in SPEED_METRIC_BY_MODEL:
            asset, metric = SPEED_METRIC_BY_MODEL[name]
            tracking.record_metrics(asset, context.partition_key, {metric: len(users) / max(seconds, 1e-9)})
    return pl.concat(tables).select("segment", "model", "user_id", "movie_id", "score", "rank")


@_table_asset(
    ins=interactions_input("known")
    | build_model_inputs(["popularity", *_MAY_BE_MISSING], "known")
    | build_ranker_inputs(_RECOMMENDERS_THAT_MAY_BE_MISSING),
)
def sitting_evaluation(
    context: dg.AssetExecutionContext,
    sitting_rankings: pl.DataFrame,
    sitting_relevant: pl.DataFrame,
    movies: pl.DataFrame,
    interactions: Interactions,
    popularity: Popularity,
    tracking: MlflowTracking,
    **may_be_missing: Any,
) -> pl.DataFrame:
    """Every metric of every model on the rest of the sitting, with its 95 % interval over users. Models that could not
    be fitted are left out; the metadata says why."""
    report_left_out(context, may_be_missing.values())
    n_users = len(interactions.user_ids)
    table = evaluating.evaluate_rankings(
        sitting_rankings,
        sitting_relevant,
        popularity.compute_movie_stats(),
        n_movies=len(movies),
        n_users=n_users,
    )
    for model, asset in ASSET_BY_MODEL.items():
        metrics = table.filter(model=model).select("metric", "value").iter_rows()
        tracking.record_metrics(asset, context.partition_key, {f"test_{name}": value for name, value in metrics})
    headline = table.filter(metric="ndcg_at_10")
    context.add_output_metadata(
        {
            "ndcg_at_10": render_markdown_table(headline.drop("metric", "segment")),
            "plot": plots.plot_intervals(headline, title="nDCG@10 on the rest of the sitting, 95 % interval"),
        }
    )
    return table


@_table_asset()
def sitting_comparison(
    context: dg.AssetExecutionContext, sitting_rankings: pl.DataFrame, sitting_relevant: pl.DataFrame
) -> pl.DataFrame:
    """Paired nDCG@10 differences on the same users: each model against its floor, the ranker against its
    candidates."""
    pairs = [*evaluating.FLOORS, *evaluating.STAGE_COMPARISONS]
    table = evaluating.compare_models(sitting_rankings, sitting_relevant, pairs)
    context.add_output_metadata({"differences": render_markdown_table(table)})
    return table


@_table_asset(
    ins=interactions_input("known")
    | build_model_inputs(RECOMMENDER_CHANNELS["two_stage"], "known")
    | {"ranker": dg.AssetIn(dagster_type=RANKER_TYPES["two_stage"])},
)
def diversity(
    context: dg.AssetExecutionContext,
    sitting_relevant: pl.DataFrame,
    movies: pl.DataFrame,
    interactions: Interactions,
    ranker: Ranker,
    user_features: pl.LazyFrame,
    movie_features: pl.LazyFrame,
    **models: Any,
) -> pl.DataFrame:
    """Effect of re-ranking by MMR, a row per weight and metric: `weight, metric, value, low, high, n`.

    Metrics at 10: nDCG, its paired difference to no diversity, mean genre distance within a list, and coverage, for
    the users of the holdout. The site uses the default weight of `Recommender`.
    """
    channels = {name: models[name] for name in RECOMMENDER_CHANNELS["two_stage"]}
    nobody = PopularMovies(np.empty(0, np.int32), np.empty(0, np.float32))
    features = select_features_at_cut("known", user_features, movie_features)
    plain = Recommender(Retrieval(channels, interactions), features, ranker, nobody, diversity=0.0)
    table = measure_diversity(plain, ranker, sitting_relevant, n_movies=len(movies))
    context.add_output_metadata({"table": render_markdown_table(table)})
    return table


@_table_asset()
def leaderboard(
    context: dg.AssetExecutionContext,
    sitting_evaluation: pl.DataFrame,
    sitting_comparison: pl.DataFrame,
    backtest_evaluation: pl.DataFrame,
    backtest_comparison: pl.DataFrame,
    split: pl.LazyFrame,
    dataset: Dataset,
    tracking: MlflowTracking,
) -> pl.DataFrame:
    """One table of all results, a row per protocol, segment, model and metric.

    Has metrics with intervals, costs (fit seconds, peak memory, users per second), and paired differences, where `base`
    is the other model. The columns source, description and version name the data set.
    """
    fits = tracking.get_latest_metrics(context.partition_key)
    present = set(sitting_evaluation["model"])
    by_model = compute_costs({model: fits.get(asset, {}) for model, asset in ASSET_BY_MODEL.items()})
    costs = list_costs({model: costs for model, costs in by_model.items() if model in present})  # none of earlier fits
    table = pl.concat(
        [
            build_leaderboard(backtest_evaluation, backtest_comparison, protocol=ROLLING_CLOCK),
            build_leaderboard(
                pl.concat([sitting_evaluation, costs], how="diagonal"),
                sitting_comparison,
                protocol=REST_OF_SITTING,
                liked_nothing=holdout.count_users_without_likes(split),
            ),
        ]
    ).with_columns(
        source=pl.lit(dataset.name), description=pl.lit(dataset.description), version=pl.lit(dataset.version)
    )
    own = table.filter(pl.col("base").is_null())
    headline = own.filter(
        pl.col("metric") == "ndcg_at_10", pl.col("segment").is_in([RATERS, holdout.KNOWN_USERS])
    ).select("protocol", "segment", "model", "value", "low", "high", "n")
    tracking.record_table(context, EXPERIMENT, own.select("protocol", "segment", "model", "metric", "value"))
    pictures = {
        f"plot_{protocol}": plots.plot_intervals(rows, title=f"nDCG@10, {protocol}, 95 % interval")
        for (protocol,), rows in headline.group_by("protocol", maintain_order=True)
    }
    context.add_output_metadata({"ndcg_at_10": render_markdown_table(headline), **pictures})
    if left_out := sorted(set(ASSET_BY_MODEL) - present):
        told = f"nothing measured of {', '.join(left_out)}; the metadata of sitting_evaluation has the reasons"
        context.add_output_metadata({"left_out": told})
    return table


def compute_costs(metrics_by_model: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Costs by model, from the metrics of each model's own fit in MLflow.

    A recommender's cost is the sum over its channels as fitted for measuring, plus its ranker. The channel fits that
    propose the ranker's training rows are not counted. Seconds add up; of memory the highest counts.
    """
    costs = {model: dict(of_model) for model, of_model in metrics_by_model.items()}
    for recommender, channels in RECOMMENDER_CHANNELS.items():
        stages = [metrics_by_model[channel] for channel in channels]
        of_ranker = metrics_by_model[recommender]
        costs[recommender] |= sum_stage_costs([*stages, of_ranker])
        if recommender == "two_stage":
            speed = {"users_per_second": of_ranker[BLEND_SPEED_METRIC]} if BLEND_SPEED_METRIC in of_ranker else {}
            costs["blend"] = sum_stage_costs(stages) | speed
    return costs
