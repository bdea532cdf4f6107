"""Evaluation: recommendations of every model for the holdout users, their metrics, and comparisons between models."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
import polars as pl

from assets.features import FEATURE_TABLES, select_features_at_cut
from assets.fitting import report_left_out
from assets.protocols import (
    PROTOCOLS,
    SERVED_MODELS,
    EvaluationProtocol,
    build_model_inputs,
    get_asset_name,
    interactions_input,
)
from assets.ranking import RANKER_TYPES, get_ranker_name
from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.popularity import Popularity
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.splitting import new_user_ratings
from movierec.evaluation import evaluation as evaluating
from movierec.evaluation import holdout
from movierec.evaluation.evaluated_models import build_evaluated_models
from movierec.evaluation.metrics import KS
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from resources import plots
from resources.io_managers import render_markdown_table
from resources.mlflow_tracking import MlflowTracking

ASSET_BY_MODEL = {name: get_asset_name(name, "known") for name in CANDIDATE_MODELS} | {
    recommender: get_ranker_name(recommender) for recommender in RECOMMENDER_CHANNELS
}
BLEND_SPEED_METRIC = "blend_users_per_second"  # the blend has no fit of its own: with the ranker that orders it
SPEED_METRIC_BY_MODEL = {model: (asset, "users_per_second") for model, asset in ASSET_BY_MODEL.items()} | {
    "blend": (get_ranker_name("two_stage"), BLEND_SPEED_METRIC)
}


_MAY_BE_MISSING = [name for name in CANDIDATE_MODELS if name not in SERVED_MODELS]
_RECOMMENDERS_THAT_MAY_BE_MISSING = [name for name in RECOMMENDER_CHANNELS if name not in SERVED_MODELS]


def build_ranker_inputs(protocol: EvaluationProtocol, recommenders: Iterable[str]) -> dict[str, dg.AssetIn]:
    """The rankers of the recommenders as inputs of an asset, each under its asset's name."""
    return {
        get_ranker_name(name): dg.AssetIn(protocol.build_key(get_ranker_name(name)), dagster_type=RANKER_TYPES[name])
        for name in recommenders
    }


def drop_unfitted(models: Mapping[str, Any]) -> dict[str, Any]:
    return {name: model for name, model in models.items() if not isinstance(model, UnfittedModel)}


class EvaluationConfig(dg.Config):
    """The largest number of holdout users per segment. They are drawn by a hash of the id, the same every time."""

    max_users: int = holdout.MAX_USERS_PER_SEGMENT


def _build_relevant_asset(protocol: EvaluationProtocol) -> dg.AssetsDefinition:
    @protocol.asset("relevant", group="evaluation", ins=protocol.build_inputs(["split"]))
    def relevant(context: dg.AssetExecutionContext, config: EvaluationConfig, split: pl.LazyFrame) -> pl.DataFrame:
        """The pairs that should be found: movies that a user liked in the holdout, by segment of users."""
        pairs = holdout.select_relevant_pairs(split, max_users=config.max_users)
        if not protocol.can_measure(split):
            return pairs.clear()
        scored = dict(pairs.group_by("segment").agg(pl.col("user_id").n_unique()).iter_rows())
        context.add_output_metadata({f"{segment}_users": n for segment, n in scored.items()})
        nothing = holdout.count_users_without_likes(split)
        context.add_output_metadata({f"{segment}_users_who_liked_nothing": n for segment, n in nothing.items()})
        return pairs

    return relevant


def _build_rankings_asset(protocol: EvaluationProtocol) -> dg.AssetsDefinition:
    @protocol.asset(
        "rankings",
        group="evaluation",
        ins=protocol.build_inputs(["relevant", "split", *FEATURE_TABLES])
        | interactions_input(protocol, "known")
        | build_model_inputs(protocol, CANDIDATE_MODELS, "known")
        | build_ranker_inputs(protocol, RECOMMENDER_CHANNELS),
    )
    def rankings(
        context: dg.AssetExecutionContext,
        relevant: pl.DataFrame,
        split: pl.LazyFrame,
        interactions: Interactions,
        user_features: pl.LazyFrame,
        movie_features: pl.LazyFrame,
        tracking: MlflowTracking,
        **fitted: Any,
    ) -> pl.DataFrame:
        """`segment, model, user_id, movie_id, score, rank`: what each model recommends from what it knows so far."""
        rankers = {name: fitted.pop(get_ranker_name(name)) for name in RECOMMENDER_CHANNELS}
        features = select_features_at_cut("known", user_features, movie_features)
        given = new_user_ratings(split, "holdout").filter(pl.col("given")).drop("given")
        models = build_evaluated_models(drop_unfitted(fitted), drop_unfitted(rankers), interactions, features)
        tables = []
        for model, measured in models.items():
            started = time.perf_counter()
            table = measured.rank_all_segments(relevant, given, n=max(KS))
            tables.append(table.with_columns(model=pl.lit(model)))
            _record_speed(tracking, context, protocol, model, table, seconds=time.perf_counter() - started)
        return pl.concat(tables).select("segment", "model", *_RANKING_COLUMNS)

    return rankings


def _build_evaluation_asset(protocol: EvaluationProtocol) -> dg.AssetsDefinition:
    @protocol.asset(
        "evaluation",
        group="evaluation",
        ins=protocol.build_inputs(["rankings", "relevant"])
        | interactions_input(protocol, "known")
        | build_model_inputs(protocol, ["popularity", *_MAY_BE_MISSING], "known")
        | build_ranker_inputs(protocol, _RECOMMENDERS_THAT_MAY_BE_MISSING),
    )
    def evaluation(
        context: dg.AssetExecutionContext,
        rankings: pl.DataFrame,
        relevant: pl.DataFrame,
        movies: pl.DataFrame,
        interactions: Interactions,
        popularity: Popularity,
        tracking: MlflowTracking,
        **may_be_missing: Any,
    ) -> pl.DataFrame:
        """Every metric of every model on the holdout, with its 95 % interval over users. Models that could not be
        fitted are left out; the metadata says why."""
        report_left_out(context, may_be_missing.values())
        n_users = len(interactions.user_ids)
        table = evaluating.evaluate_rankings(
            rankings, relevant, popularity.compute_movie_stats(), n_movies=len(movies), n_users=n_users
        )
        known = table.filter(segment=holdout.KNOWN_USERS)
        for model, asset in ASSET_BY_MODEL.items():
            metrics = known.filter(model=model).select("metric", "value").iter_rows()
            key = protocol.build_key(asset).to_user_string()
            tracking.record_metrics(key, context.partition_key, {f"test_{name}": value for name, value in metrics})
        headline = known.filter(metric="ndcg_at_10")
        context.add_output_metadata(
            {
                "ndcg_at_10": render_markdown_table(headline.drop("metric", "segment")),
                "plot": plots.plot_intervals(headline, title="nDCG@10 on the holdout, 95 % interval"),
            }
        )
        return table

    return evaluation


def _build_comparison_asset(protocol: EvaluationProtocol) -> dg.AssetsDefinition:
    @protocol.asset("comparison", group="evaluation", ins=protocol.build_inputs(["rankings", "relevant"]))
    def comparison(context: dg.AssetExecutionContext, rankings: pl.DataFrame, relevant: pl.DataFrame) -> pl.DataFrame:
        """Paired nDCG@10 differences on the same users: each model against its floor, the ranker against its
        candidates."""
        table = evaluating.compare_models(rankings, relevant, [*evaluating.FLOORS, *evaluating.STAGE_COMPARISONS])
        context.add_output_metadata({"differences": render_markdown_table(table)})
        return table

    return comparison


_RANKING_COLUMNS = ("user_id", "movie_id", "score", "rank")


def _record_speed(
    tracking: MlflowTracking,
    context: dg.AssetExecutionContext,
    protocol: EvaluationProtocol,
    model: str,
    table: pl.DataFrame,
    *,
    seconds: float,
) -> None:
    if model in SPEED_METRIC_BY_MODEL:
        asset, name = SPEED_METRIC_BY_MODEL[model]
        users = table.select("segment", "user_id").n_unique()
        key = protocol.build_key(asset).to_user_string()
        tracking.record_metrics(key, context.partition_key, {name: users / max(seconds, 1e-9)})


evaluation_assets = [
    build(protocol)
    for protocol in PROTOCOLS
    for build in (_build_relevant_asset, _build_rankings_asset, _build_evaluation_asset, _build_comparison_asset)
]
