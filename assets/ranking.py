"""Ranking: the training rows of each recommender's ranker, and the ranker itself."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import dagster as dg
import polars as pl

from assets.candidates import build_model_inputs, build_model_type, fit_or_report
from assets.features import interactions_input, select_features_at_cut
from assets.partitions import PARQUET_KINDS, sample_partitions
from assets.tuning import TUNED_TYPE
from movierec.candidates import CandidateModel
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.splitting import select_part
from movierec.data.windows import select_current_windows
from movierec.evaluation import evaluation
from movierec.experiments.tuning import TunedParams
from movierec.recommender import training_rows
from movierec.recommender.ranker import Ranker, RankerParams
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, Retrieval
from resources import plots
from resources.memory import PeakMemory
from resources.mlflow_tracking import MlflowTracking

RANKER_TYPES = {recommender: build_model_type(recommender, Ranker) for recommender in RECOMMENDER_CHANNELS}
NO_ROWS = pl.DataFrame(schema={"user_id": pl.Int32, "movie_id": pl.Int32, "relevant": pl.Boolean, "gain": pl.Float32})


class LabelConfig(dg.Config):
    """Candidates per user in the training rows, and the largest number of users."""

    n_candidates: int = 100
    max_users: int = 3_000


def choose_ranker_params(recommender: str, tuned: TunedParams) -> RankerParams:
    """The ranker's hyper-parameters: the tuned ones, else the defaults.

    Rankers that are measured but not published are fitted on one fold, which takes a third of the time.
    """
    params = tuned.get_params("ranker") or RankerParams()
    return params if recommender == "two_stage" else replace(params, one_fold_from=0)


def get_label_rows_name(recommender: str) -> str:
    """The asset with the training rows: `label_rows` for `two_stage`, `label_rows_ials` for `two_stage_ials`."""
    return recommender.replace("two_stage", "label_rows")


def get_ranker_name(recommender: str) -> str:
    """The asset with the ranker: `ranker` for `two_stage`, `ranker_ials` for `two_stage_ials`."""
    return recommender.replace("two_stage", "ranker")


def _build_label_rows_asset(recommender: str) -> dg.AssetsDefinition:
    channels = RECOMMENDER_CHANNELS[recommender]

    @dg.asset(
        name=get_label_rows_name(recommender),
        description=f"Candidates of {', '.join(channels)} from the history with their features, and whether the user "
        "then liked them (`relevant`).",
        ins=interactions_input("history") | build_model_inputs(channels, "history"),
        partitions_def=sample_partitions,
        group_name="ranking",
        kinds=PARQUET_KINDS,
        owners=["team:ml"],
    )
    def label_rows(
        context: dg.AssetExecutionContext,
        config: LabelConfig,
        split: pl.LazyFrame,
        interactions: Interactions,
        user_features: pl.LazyFrame,
        movie_features: pl.LazyFrame,
        **models: CandidateModel | UnfittedModel,
    ) -> pl.DataFrame:
        def build_rows() -> pl.DataFrame:
            return training_rows.build_label_rows(
                Retrieval(require_fitted_channels(models, channels), interactions),
                select_features_at_cut("history", user_features, movie_features),
                select_part(split, "labels"),
                n_candidates=config.n_candidates,
                max_users=config.max_users,
            )

        rows = fit_or_report(context, recommender, build_rows)
        if isinstance(rows, UnfittedModel):
            return NO_ROWS
        context.add_output_metadata({"users": rows["user_id"].n_unique(), "relevant": int(rows["relevant"].sum())})
        return rows

    return label_rows


def _build_ranker_asset(recommender: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=get_ranker_name(recommender),
        description=f"CatBoost over {', '.join(RECOMMENDER_CHANNELS[recommender])}: learns the order of a user's "
        "candidates from what they liked after the history.",
        ins={"rows": dg.AssetIn(get_label_rows_name(recommender)), "tuned": dg.AssetIn(dagster_type=TUNED_TYPE)},
        partitions_def=sample_partitions,
        group_name="ranking",
        kinds={"catboost"},
        owners=["team:ml"],
        dagster_type=RANKER_TYPES[recommender],
        io_manager_key="models",
        pool="training",
    )
    def ranker(
        context: dg.AssetExecutionContext, rows: pl.DataFrame, tuned: TunedParams, tracking: MlflowTracking
    ) -> Ranker | UnfittedModel:
        def fit() -> FittedRanker:
            if rows.is_empty():
                table = get_label_rows_name(recommender)
                raise training_rows.NothingToLearnError(f"there are no rows to learn from; {table} has the reason")
            return _fit_ranker(rows, choose_ranker_params(recommender, tuned))

        fitted = fit_or_report(context, recommender, fit)
        if isinstance(fitted, UnfittedModel):
            return fitted
        return _record_ranker(context, fitted, rows, tracking)

    return ranker


@dg.asset(
    ins={"window_label_rows": dg.AssetIn(), "tuned": dg.AssetIn(dagster_type=TUNED_TYPE)},
    partitions_def=sample_partitions,
    group_name="ranking",
    kinds={"catboost"},
    owners=["team:ml"],
    dagster_type=RANKER_TYPES["two_stage"],
    io_manager_key="models",
    pool="training",
)
def served_ranker(
    context: dg.AssetExecutionContext,
    windows: pl.DataFrame,
    window_label_rows: pl.LazyFrame,
    label_rows: pl.LazyFrame,
    tracking: MlflowTracking,
    tuned: TunedParams,
) -> Ranker:
    """The ranker that the site serves: learns from what people liked in every window of the back-test.

    Ratings that no moment cuts in two have no windows; then it learns from the label rows of each user's own past."""
    of_windows = select_current_windows(window_label_rows, windows)
    rows = label_rows.collect() if of_windows.is_empty() else training_rows.pool_label_rows(of_windows)
    context.add_output_metadata({"learnt_from": "label_rows" if of_windows.is_empty() else "window_label_rows"})
    fitted = _fit_ranker(rows, choose_ranker_params("two_stage", tuned))
    return _record_ranker(context, fitted, rows, tracking)


class FittedRanker(NamedTuple):
    """A ranker, its out-of-fold ranks, and what its fit took."""

    ranker: Ranker
    ranks: pl.DataFrame
    seconds: float
    peak_mb: float


def _fit_ranker(rows: pl.DataFrame, params: RankerParams) -> FittedRanker:
    started = time.perf_counter()
    with PeakMemory() as memory:
        ranker, ranks = Ranker.fit_with_oof_ranks(rows, params)
    return FittedRanker(ranker, ranks, time.perf_counter() - started, memory.peak_mb)


def _record_ranker(
    context: dg.AssetExecutionContext, fitted: FittedRanker, rows: pl.DataFrame, tracking: MlflowTracking
) -> Ranker:
    """Records the fit in MLflow and in the asset's metadata; gives the ranker."""
    ranker = fitted.ranker
    tracking.record_fit(
        context,
        "two_stage_ranker",
        ranker,
        seconds=fitted.seconds,
        peak_mb=fitted.peak_mb,
        with_files=True,
        validation_metrics=evaluation.out_of_fold_metrics(fitted.ranks, rows),
    )
    top = dict(list(ranker.importances.items())[:15])
    context.add_output_metadata(
        {
            "trees": ", ".join(str(trees) for trees in ranker.n_trees),
            "importances": plots.plot_bars(top, title="Feature importance, percent"),
        }
    )
    return ranker


def require_fitted_channels(
    models: Mapping[str, CandidateModel | UnfittedModel], channels: Sequence[str]
) -> dict[str, CandidateModel]:
    """The `channels` by name. Raises NothingToLearnError if one of them could not be fitted."""
    fitted = {}
    for name in channels:
        model = models[name]
        if isinstance(model, UnfittedModel):
            raise training_rows.NothingToLearnError(f"its channel {name} could not be fitted ({model.reason})")
        fitted[name] = model
    return fitted


label_rows = [_build_label_rows_asset(recommender) for recommender in RECOMMENDER_CHANNELS]
rankers = [_build_ranker_asset(recommender) for recommender in RECOMMENDER_CHANNELS]
