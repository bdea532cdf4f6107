"""Tuning: the search for hyper-parameters, in an asset of its own. Other assets read the best values found so far."""

from functools import cache, partial
from typing import Any

import dagster as dg
import polars as pl

from assets.partitions import sample_partitions
from movierec.data.windows import choose_windows
from movierec.experiments.trials import (
    RankerTrial,
    TrialCut,
    build_ranker_trials,
    compute_candidate_ndcg,
    compute_ranker_ndcg,
    list_trial_cuts,
)
from movierec.experiments.tuning import (
    PARAMS_CLASSES,
    REFERENCE_TUNING,
    SEARCH_SPACES,
    TunedParams,
    get_default_values,
)
from resources.io_managers import render_markdown_table
from resources.optuna_studies import BestTrial, OptunaStudies
from resources.sources.dataset import Dataset

TUNED_TYPE = dg.PythonObjectDagsterType(TunedParams, name="tuned_parameters")


class TuningConfig(dg.Config):
    """How many trials each of `models` gets in this run; with 0 the best trials of earlier runs are read.

    With `reference` nothing is searched or read: the reference hyper-parameters are used. `interval` is that of
    `windows`.
    """

    trials: int = 0
    models: list[str] = sorted(SEARCH_SPACES)
    reference: bool = False
    interval: str | None = None


@dg.asset(
    partitions_def=sample_partitions,
    group_name="tuning",
    kinds={"optuna"},
    owners=["team:ml"],
    io_manager_key="models",
    pool="training",
)
def tuned(
    context: dg.AssetExecutionContext,
    config: TuningConfig,
    dataset: Dataset,
    movies: pl.LazyFrame,
    ratings: pl.LazyFrame,
    split: pl.LazyFrame,
    studies: OptunaStudies,
) -> TunedParams:
    """The best hyper-parameters found so far, by model, in params.json; models without a trial keep the defaults.

    Judged by nDCG@10 of returning users and newcomers in windows of time before the last one, which is not used.
    """
    if config.reference or studies.reference:
        return REFERENCE_TUNING

    windows = choose_windows(ratings, interval=config.interval) if config.trials else []

    @cache
    def load_ranker_trials() -> list[RankerTrial]:
        return build_ranker_trials(ratings, movies, windows)

    @cache
    def load_trial_cuts() -> list[TrialCut]:
        return list_trial_cuts(ratings, split, windows)

    def judge(model: str, drawn: dict[str, Any]) -> float:
        params = PARAMS_CLASSES[model](**drawn)
        if not (load_ranker_trials() if model == "ranker" else load_trial_cuts()):
            raise dg.Failure(
                f"{model} cannot be tuned: nobody liked a movie in enough windows of time before the last. Take it out "
                "of `models`, or take a larger sample"
            )
        if model == "ranker":
            return compute_ranker_ndcg(params, load_ranker_trials())
        return compute_candidate_ndcg(model, params, load_trial_cuts())

    best: dict[str, BestTrial] = {}
    for model in config.models:
        found = studies.run_study(
            context.partition_key,
            f"{model} in windows {dataset.version}",
            SEARCH_SPACES[model],
            partial(judge, model),
            first_params=get_default_values(model),
            n_trials=config.trials,
        )
        if found:
            best[model] = found
    rows = [(model, each.value, each.n_trials, str(each.drawn_params)) for model, each in best.items()]
    table = pl.DataFrame(rows, schema=["model", "ndcg_at_10", "trials", "parameters"], orient="row")
    context.add_output_metadata({"best": render_markdown_table(table), "models_tuned": len(best)})
    return TunedParams({model: PARAMS_CLASSES[model](**each.drawn_params) for model, each in best.items()})
