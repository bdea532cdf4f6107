"""Ranking: for each recommender the rows its ranker learns from, and the ranker."""

import time
from dataclasses import replace

import dagster as dg
import polars as pl

from assets.features import TABLES, features_at
from assets.protocols import PER_USER, PROTOCOLS, Protocol, channel_inputs, interactions_input, tuned_input
from movierec.candidates import CandidateModel
from movierec.data.interactions import Interactions
from movierec.evaluation import evaluation
from movierec.experiments.tuning import Tuned
from movierec.recommender import training_rows
from movierec.recommender.ranker import Ranker, RankerParams
from movierec.recommender.retrieval import RECOMMENDERS, Retrieval
from resources import plots
from resources.memory import PeakMemory
from resources.mlflow_tracking import Tracking

RANKER_TYPE = dg.PythonObjectDagsterType(Ranker, name="ranker_model")


class LabelConfig(dg.Config):
    """How many candidates a user's training rows hold, and how many users are drawn at the most."""

    n_candidates: int = 100
    max_users: int = 3_000


def params_of(recommender: str, tuned: Tuned | None) -> RankerParams:
    """Rankers that are only measured are fitted on one fold, a third of the time."""
    params = (tuned and tuned.of("ranker")) or RankerParams()
    return params if recommender == "two_stage" else replace(params, one_fold_from=0)


def label_rows_name(recommender: str) -> str:
    return recommender.replace("two_stage", "label_rows")


def ranker_name(recommender: str) -> str:
    """`two_stage` has the asset `ranker`, `two_stage_ials` has `ranker_ials`."""
    return recommender.replace("two_stage", "ranker")


def _label_rows(recommender: str, protocol: Protocol) -> dg.AssetsDefinition:
    channels = RECOMMENDERS[recommender]

    @protocol.asset(
        label_rows_name(recommender),
        group="ranking",
        description=f"Candidates of {', '.join(channels)} from the history with their features, and whether the user "
        "then liked them (`relevant`).",
        ins=protocol.inputs(["split", *TABLES])
        | interactions_input(protocol, "history")
        | channel_inputs(protocol, channels, "history"),
    )
    def label_rows(
        context: dg.AssetExecutionContext,
        config: LabelConfig,
        split: pl.LazyFrame,
        interactions: Interactions,
        user_features: pl.LazyFrame,
        movie_features: pl.LazyFrame,
        **models: CandidateModel,
    ) -> pl.DataFrame:
        rows = training_rows.all_label_rows(
            Retrieval({name: models[name] for name in channels}, interactions),
            features_at("history", user_features, movie_features),
            split,
            n_candidates=config.n_candidates,
            max_users=config.max_users,
        )
        context.add_output_metadata({"users": rows["user_id"].n_unique(), "relevant": int(rows["relevant"].sum())})
        return rows

    return label_rows


def _ranker(recommender: str, protocol: Protocol) -> dg.AssetsDefinition:
    rows_of = {"rows": dg.AssetIn(protocol.key(label_rows_name(recommender)))}

    @protocol.asset(
        ranker_name(recommender),
        group="ranking",
        description=f"CatBoost over {', '.join(RECOMMENDERS[recommender])}: learns the order of a user's "
        "candidates from what they liked after the history.",
        ins=rows_of | tuned_input(protocol),
        kinds={"catboost"},
        io_manager_key="models",
        pool="training",
    )
    def ranker(context: dg.AssetExecutionContext, rows: pl.DataFrame, tracking: Tracking, **given: Tuned) -> Ranker:
        started = time.perf_counter()
        with PeakMemory() as memory:
            fitted, ranks = Ranker.fit_and_rank(rows, params_of(recommender, given.get("tuned")))
        seconds = time.perf_counter() - started
        tracking.record_fit(
            context,
            "two_stage_ranker",
            fitted,
            seconds=seconds,
            peak_mb=memory.peak_mb,
            files=protocol is PER_USER,
            validated=evaluation.order_metrics(ranks, rows),
        )
        top = dict(list(fitted.importances.items())[:15])
        context.add_output_metadata(
            {
                "trees": ", ".join(str(trees) for trees in fitted.n_trees),
                "importances": plots.bars(top, title="Feature importance, percent"),
            }
        )
        return fitted

    return ranker


label_rows = [_label_rows(recommender, protocol) for protocol in PROTOCOLS for recommender in RECOMMENDERS]
rankers = [_ranker(recommender, protocol) for protocol in PROTOCOLS for recommender in RECOMMENDERS]
