"""Tuning: the search for hyper-parameters, in an asset of its own. Other assets read the best values found so far."""

from functools import cache, partial
from typing import Any

import dagster as dg
import polars as pl

from assets.protocols import sample_partitions
from movierec.data.interactions import Interactions
from movierec.data.schema import RELEVANT
from movierec.data.splitting import ratings_at_cut, select_part
from movierec.experiments.tuning import (
    PARAMS_CLASSES,
    REFERENCE_TUNING,
    SEARCH_SPACES,
    TunedParams,
    compute_candidate_ndcg,
    compute_ranker_ndcg,
    get_default_values,
)
from movierec.experiments.validation import Validation
from resources.io_managers import render_markdown_table
from resources.optuna_studies import BestTrial, OptunaStudies
from resources.sources.dataset import Dataset


class TuningConfig(dg.Config):
    """How many trials each of `models` gets in this run; with 0 the best trials of earlier runs are read.

    With `reference` nothing is searched or read: the reference hyper-parameters are used.
    """

    trials: int = 0
    models: list[str] = sorted(SEARCH_SPACES)
    reference: bool = False


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
    split: pl.LazyFrame,
    interactions_history: Interactions,
    studies: OptunaStudies,
) -> TunedParams:
    """The best hyper-parameters found so far, by model, in params.json; models without a trial keep the defaults.

    Models are fitted on the history and compared by nDCG@10 on the labels; the holdout is not used.
    """
    if config.reference or studies.reference:
        return REFERENCE_TUNING
    labels = select_part(split, "labels").filter(pl.col("rating") >= RELEVANT).select("user_id", "movie_id").collect()
    liked = labels.filter(pl.col("user_id").is_in(interactions_history.user_ids.tolist()))

    @cache
    def validation() -> Validation:
        return Validation.from_ratings(ratings_at_cut(split, "known"), movies)

    def judged(model: str, drawn: dict[str, Any]) -> float:
        params = PARAMS_CLASSES[model](**drawn)
        if model == "ranker":
            return compute_ranker_ndcg(params, validation())
        return compute_candidate_ndcg(model, params, interactions_history, liked)

    best: dict[str, BestTrial] = {}
    for model in config.models:
        found = studies.run_study(
            context.partition_key,
            f"{model} {dataset.version}",
            SEARCH_SPACES[model],
            partial(judged, model),
            first_params=get_default_values(model),
            n_trials=config.trials,
        )
        if found:
            best[model] = found
    rows = [(model, each.value, each.n_trials, str(each.drawn_params)) for model, each in best.items()]
    table = pl.DataFrame(rows, schema=["model", "ndcg_at_10", "trials", "parameters"], orient="row")
    context.add_output_metadata({"best": render_markdown_table(table), "models_tuned": len(best)})
    return TunedParams({model: PARAMS_CLASSES[model](**each.drawn_params) for model, each in best.items()})
