"""Tuning: the search for hyper-parameters, in an asset of its own. Normal runs read what it has found so far."""

from functools import cache, partial
from typing import Any

import dagster as dg
import polars as pl

from assets.protocols import samples
from movierec.data.interactions import Interactions
from movierec.data.schema import RELEVANT
from movierec.data.splitting import known_at, part_of
from movierec.experiments.tuning import PARAMS, REFERENCE, SPACES, Tuned, defaults, goodness, goodness_of_ranker
from movierec.experiments.validation import Validation
from resources.io_managers import markdown
from resources.optuna_studies import Best, Studies
from resources.sources.dataset import Dataset


class TuningConfig(dg.Config):
    """How many trials each model is given in this run; with none the best of earlier runs is read.

    With `reference` nothing is searched or read: the seed design's hyper-parameters hold.
    """

    trials: int = 0
    models: list[str] = sorted(SPACES)
    reference: bool = False


@dg.asset(
    partitions_def=samples,
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
    studies: Studies,
) -> Tuned:
    """The best hyper-parameters that were found on the labels, by models fitted on the history; the holdout has no
    part in it. Without any search the committed defaults hold."""
    if config.reference or studies.reference:
        return REFERENCE
    labels = part_of(split, "labels").filter(pl.col("rating") >= RELEVANT).select("user_id", "movie_id").collect()
    liked = labels.filter(pl.col("user_id").is_in(interactions_history.user_ids.tolist()))

    @cache
    def validation() -> Validation:
        return Validation.of(known_at(split, "known"), movies)

    def judged(model: str, drawn: dict[str, Any]) -> float:
        params = PARAMS[model](**drawn)
        if model == "ranker":
            return goodness_of_ranker(params, validation())
        return goodness(model, params, interactions_history, liked)

    best: dict[str, Best] = {}
    for model in config.models:
        found = studies.search(
            context.partition_key,
            f"{model} {dataset.version}",
            SPACES[model],
            partial(judged, model),
            first=defaults(model),
            trials=config.trials,
        )
        if found:
            best[model] = found
    rows = [(model, each.value, each.trials, str(each.drawn)) for model, each in best.items()]
    table = pl.DataFrame(rows, schema=["model", "ndcg_at_10", "trials", "parameters"], orient="row")
    context.add_output_metadata({"best": markdown(table), "models_tuned": len(best)})
    return Tuned({model: PARAMS[model](**each.drawn) for model, each in best.items()})
