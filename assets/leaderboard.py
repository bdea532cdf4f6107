"""The leaderboard: every model under every protocol, with what its fit and its answers cost."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from assets.evaluation import BLEND_SPEED, MEASURED_ASSETS
from assets.protocols import PARQUET, PROTOCOLS, samples
from movierec.evaluation.holdout import KNOWN, who_liked_nothing
from movierec.evaluation.leaderboard import cost_of_stages
from movierec.evaluation.leaderboard import leaderboard as rows_of
from movierec.recommender.retrieval import RECOMMENDERS
from resources import plots
from resources.io_managers import markdown
from resources.mlflow_tracking import Tracking
from resources.sources.dataset import Dataset

EXPERIMENT = "leaderboard"
TABLES = ("evaluation", "comparison")
SPLIT = dg.PythonObjectDagsterType(pl.LazyFrame, name="split_table")
TABLE = dg.PythonObjectDagsterType(pl.DataFrame, name="measured_table")


@dg.asset(
    ins={
        f"{table}_{protocol.name}": dg.AssetIn(protocol.key(table), dagster_type=TABLE)
        for table in TABLES
        for protocol in PROTOCOLS
    }
    | {f"split_{protocol.name}": dg.AssetIn(protocol.key("split"), dagster_type=SPLIT) for protocol in PROTOCOLS},
    partitions_def=samples,
    group_name="evaluation",
    kinds=PARQUET,
    owners=["team:ml"],
)
def leaderboard(context: dg.AssetExecutionContext, dataset: Dataset, tracking: Tracking, **tables: Any) -> pl.DataFrame:
    """A row per protocol, segment, model and metric, with intervals, costs and paired differences; `make results` takes
    it into docs."""
    fits = tracking.latest_metrics(context.partition_key)
    parts = []
    measured = [protocol for protocol in PROTOCOLS if not tables[f"evaluation_{protocol.name}"].is_empty()]
    for protocol in measured:
        costs = costs_of(
            {model: fits.get(protocol.key(asset).to_user_string(), {}) for model, asset in MEASURED_ASSETS.items()}
        )
        evaluation, comparison = (tables[f"{table}_{protocol.name}"] for table in TABLES)
        nothing = who_liked_nothing(tables[f"split_{protocol.name}"])
        parts.append(rows_of(evaluation, comparison, costs, protocol=protocol.name, liked_nothing=nothing))
    table = pl.concat(parts).with_columns(
        source=pl.lit(dataset.name), description=pl.lit(dataset.description), version=pl.lit(dataset.version)
    )
    own = table.filter(pl.col("base").is_null())
    headline = own.filter(metric="ndcg_at_10").select("protocol", "segment", "model", "value", "low", "high", "n")
    tracking.record_table(context, EXPERIMENT, own.select("protocol", "segment", "model", "metric", "value"))
    pictures = {
        f"plot_{protocol.name}": plots.intervals(
            headline.filter(protocol=protocol.name, segment=KNOWN), title=f"nDCG@10, {protocol.name}, 95 % interval"
        )
        for protocol in measured
    }
    context.add_output_metadata({"ndcg_at_10": markdown(headline), **pictures})
    return table


def costs_of(recorded: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """By model, what was recorded; of one made of several stages what they cost together.

    Of channels it is their fits that are measured; those that the ranker learnt from are not counted.
    """
    costs = {model: dict(of_model) for model, of_model in recorded.items()}
    for recommender, channels in RECOMMENDERS.items():
        stages = [recorded[channel] for channel in channels]
        of_ranker = recorded[recommender]
        costs[recommender] |= cost_of_stages([*stages, of_ranker])
        if recommender == "two_stage":
            speed = {"users_per_second": of_ranker[BLEND_SPEED]} if BLEND_SPEED in of_ranker else {}
            costs["blend"] = cost_of_stages(stages) | speed
    return costs
