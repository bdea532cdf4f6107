"""Tuning: the search for hyper-parameters, in an asset of its own. Normal runs read what it has found so far."""

import dagster as dg
import polars as pl

from assets.partitions import samples
from movierec.interactions import Interactions
from movierec.ranking import RELEVANT
from movierec.splits import known_at, part_of
from movierec.tuning import PARAMS, SPACES, Tuned, defaults, goodness
from resources.io import markdown
from resources.sources import Dataset
from resources.studies import Best, Studies


class TuningConfig(dg.Config):
    """How many trials each model is given in this run; with none the best of earlier runs is read."""

    trials: int = 0
    models: list[str] = sorted(SPACES)


@dg.asset(
    partitions_def=samples,
    group_name="tuning",
    kinds={"optuna"},
    owners=["team:ml"],
    io_manager_key="models",
    pool="training",
)
def tuned(
    context: dg.AssetExecutionContext, config: TuningConfig, dataset: Dataset, split: pl.LazyFrame, studies: Studies
) -> Tuned:
    """The best hyper-parameters that were found on the labels, by models fitted on the history; the holdout has no
    part in it. Without any search the committed defaults hold."""
    history = Interactions.of(known_at(split, "history"))
    labels = part_of(split, "labels").filter(pl.col("rating") >= RELEVANT).select("user_id", "movie_id").collect()
    liked = labels.filter(pl.col("user_id").is_in(history.user_ids.tolist()))
    best: dict[str, Best] = {}
    for model in config.models:
        found = studies.search(
            context.partition_key,
            f"{model} {dataset.version}",
            SPACES[model],
            lambda drawn, model=model: goodness(model, PARAMS[model](**drawn), history, liked),  # type: ignore[misc]
            first=defaults(model),
            trials=config.trials,
        )
        if found:
            best[model] = found
    rows = [(model, each.value, each.trials, str(each.drawn)) for model, each in best.items()]
    table = pl.DataFrame(rows, schema=["model", "ndcg_at_10", "trials", "parameters"], orient="row")
    context.add_output_metadata({"best": dg.MetadataValue.md(markdown(table)), "models_tuned": len(best)})
    return Tuned({model: PARAMS[model](**each.drawn) for model, each in best.items()})
