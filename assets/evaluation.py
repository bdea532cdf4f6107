"""Evaluation: the top of every model for every holdout user, its metrics, and what each stage adds."""

import time
from typing import Any

import dagster as dg
import polars as pl

from assets.features import TABLES, features_at
from assets.protocols import PROTOCOLS, Protocol, asset_name, channel_inputs, interactions_input
from assets.ranking import RANKER_TYPE, ranker_name
from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.popularity import Popularity
from movierec.data.interactions import Interactions
from movierec.data.splitting import newcomers
from movierec.evaluation import evaluation as evaluating
from movierec.evaluation import holdout
from movierec.evaluation.evaluated_models import measured_models
from movierec.evaluation.metrics import KS
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import RECOMMENDERS
from resources import plots
from resources.io_managers import markdown
from resources.mlflow_tracking import Tracking

MEASURED_ASSETS = {name: asset_name(name, "known") for name in CANDIDATE_MODELS} | {
    recommender: ranker_name(recommender) for recommender in RECOMMENDERS
}
BLEND_SPEED = "blend_users_per_second"  # the blend has no fit of its own: with the ranker that orders it
SPEEDS = {model: (asset, "users_per_second") for model, asset in MEASURED_ASSETS.items()} | {
    "blend": (ranker_name("two_stage"), BLEND_SPEED)
}


class EvaluationConfig(dg.Config):
    """How many holdout users of a segment are drawn at the most; the draw is by id and the same every time."""

    max_users: int = holdout.MAX_USERS


def _evaluation_assets(protocol: Protocol) -> list[dg.AssetsDefinition]:
    @protocol.asset("relevant", group="evaluation", ins=protocol.inputs(["split"]))
    def relevant(context: dg.AssetExecutionContext, config: EvaluationConfig, split: pl.LazyFrame) -> pl.DataFrame:
        """The pairs that should be found: movies that a user liked in the holdout, by segment of users."""
        pairs = holdout.relevant_pairs(split, max_users=config.max_users)
        if not protocol.can_measure(split):
            return pairs.clear()
        scored = dict(pairs.group_by("segment").agg(pl.col("user_id").n_unique()).iter_rows())
        context.add_output_metadata({f"{segment}_users": n for segment, n in scored.items()})
        nothing = holdout.who_liked_nothing(split)
        context.add_output_metadata({f"{segment}_users_who_liked_nothing": n for segment, n in nothing.items()})
        return pairs

    @protocol.asset(
        "rankings",
        group="evaluation",
        ins=protocol.inputs(["relevant", "split", *TABLES])
        | interactions_input(protocol, "known")
        | channel_inputs(protocol, CANDIDATE_MODELS, "known")
        | {name: dg.AssetIn(protocol.key(name), dagster_type=RANKER_TYPE) for name in map(ranker_name, RECOMMENDERS)},
    )
    def rankings(
        context: dg.AssetExecutionContext,
        relevant: pl.DataFrame,
        split: pl.LazyFrame,
        interactions: Interactions,
        user_features: pl.LazyFrame,
        movie_features: pl.LazyFrame,
        tracking: Tracking,
        **fitted: Any,
    ) -> pl.DataFrame:
        """`segment, model, user_id, movie_id, score, rank`: what each model recommends from what it knows so far."""
        rankers: dict[str, Ranker] = {name: fitted.pop(ranker_name(name)) for name in RECOMMENDERS}
        features = features_at("known", user_features, movie_features)
        given = newcomers(split, "holdout").filter(pl.col("given")).drop("given")
        models = measured_models(fitted, rankers, interactions, features)
        tables = []
        for model, measured in models.items():
            started = time.perf_counter()
            table = measured.rankings(relevant, given, n=max(KS))
            tables.append(table.with_columns(model=pl.lit(model)))
            _record_speed(tracking, context, protocol, model, table, seconds=time.perf_counter() - started)
        return pl.concat(tables).select("segment", "model", *_RANKING)

    @protocol.asset(
        "evaluation",
        group="evaluation",
        ins=protocol.inputs(["rankings", "relevant"])
        | interactions_input(protocol, "known")
        | channel_inputs(protocol, ["popularity"], "known"),
    )
    def evaluation(
        context: dg.AssetExecutionContext,
        rankings: pl.DataFrame,
        relevant: pl.DataFrame,
        movies: pl.DataFrame,
        interactions: Interactions,
        popularity: Popularity,
        tracking: Tracking,
    ) -> pl.DataFrame:
        """Every metric of every model on the holdout, with its 95 % interval over users."""
        n_users = len(interactions.user_ids)
        table = evaluating.evaluate(rankings, relevant, popularity.stats(), n_movies=len(movies), n_users=n_users)
        known = table.filter(segment=holdout.KNOWN)
        for model, asset in MEASURED_ASSETS.items():
            metrics = known.filter(model=model).select("metric", "value").iter_rows()
            key = protocol.key(asset).to_user_string()
            tracking.record_metrics(key, context.partition_key, {f"test_{name}": value for name, value in metrics})
        headline = known.filter(metric="ndcg_at_10")
        context.add_output_metadata(
            {
                "ndcg_at_10": markdown(headline.drop("metric", "segment")),
                "plot": plots.intervals(headline, title="nDCG@10 on the holdout, 95 % interval"),
            }
        )
        return table

    @protocol.asset("comparison", group="evaluation", ins=protocol.inputs(["rankings", "relevant"]))
    def comparison(context: dg.AssetExecutionContext, rankings: pl.DataFrame, relevant: pl.DataFrame) -> pl.DataFrame:
        """Paired nDCG@10 differences on the same users: each model against its floor, the ranker against its
        candidates."""
        table = evaluating.differences(rankings, relevant, [*evaluating.FLOORS, *evaluating.STAGES])
        context.add_output_metadata({"differences": markdown(table)})
        return table

    return [relevant, rankings, evaluation, comparison]


_RANKING = ("user_id", "movie_id", "score", "rank")


def _record_speed(
    tracking: Tracking,
    context: dg.AssetExecutionContext,
    protocol: Protocol,
    model: str,
    table: pl.DataFrame,
    *,
    seconds: float,
) -> None:
    if model in SPEEDS:
        asset, name = SPEEDS[model]
        users = table.select("segment", "user_id").n_unique()
        key = protocol.key(asset).to_user_string()
        tracking.record_metrics(key, context.partition_key, {name: users / max(seconds, 1e-9)})


evaluation_assets = [asset for protocol in PROTOCOLS for asset in _evaluation_assets(protocol)]
