"""Ranking: the rows the ranker learns from, and the ranker."""

import time

import dagster as dg
import polars as pl

from assets.features import features_at
from assets.partitions import samples
from movierec import ranking
from movierec.candidates.ials import IALS
from movierec.ranking import Ranker
from movierec.splits import part_of
from resources import figures
from resources.tracking import Tracking

OWNERS = ["team:ml"]


class LabelConfig(dg.Config):
    """How many candidates a user's training rows hold, and how many users are drawn at the most."""

    n_candidates: int = 100
    max_users: int = 5_000


@dg.asset(partitions_def=samples, group_name="ranking", kinds={"polars", "parquet"}, owners=OWNERS)
def label_rows(
    context: dg.AssetExecutionContext,
    config: LabelConfig,
    split: pl.LazyFrame,
    ials_history: IALS,
    user_features: pl.LazyFrame,
    movie_features: pl.LazyFrame,
) -> pl.DataFrame:
    """Candidates from the history with their features, and whether the user then liked them (`relevant`)."""
    rows = ranking.label_rows(
        ials_history,
        features_at("history", user_features, movie_features),
        part_of(split, "labels"),
        n_candidates=config.n_candidates,
        max_users=config.max_users,
    )
    context.add_output_metadata({"users": rows["user_id"].n_unique(), "relevant": int(rows["relevant"].sum())})
    return rows


@dg.asset(
    partitions_def=samples,
    group_name="ranking",
    kinds={"catboost"},
    owners=OWNERS,
    io_manager_key="models",
    pool="training",
)
def ranker(context: dg.AssetExecutionContext, label_rows: pl.DataFrame, tracking: Tracking) -> Ranker:
    """CatBoost, YetiRank: learns the order of a user's candidates from what they liked after the history."""
    started = time.perf_counter()
    fitted = Ranker.fit(label_rows)
    tracking.record_fit(context, "two_stage_ranker", fitted, seconds=time.perf_counter() - started, files=True)
    top = dict(list(fitted.importances.items())[:15])
    context.add_output_metadata(
        {"trees": fitted.best_iteration, "importances": figures.bars(top, title="Feature importance, percent")}
    )
    return fitted
