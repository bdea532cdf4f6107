"""The leaderboard: every model under every protocol, with its metrics and the cost of its fit and answers."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from assets.evaluation import ASSET_BY_MODEL, BLEND_SPEED_METRIC
from assets.protocols import PARQUET_KINDS, PROTOCOLS, sample_partitions
from movierec.evaluation.holdout import KNOWN_USERS, count_users_without_likes
from movierec.evaluation.leaderboard import build_leaderboard, sum_stage_costs
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from resources import plots
from resources.io_managers import render_markdown_table
from resources.mlflow_tracking import MlflowTracking
from resources.sources.dataset import Dataset

EXPERIMENT = "leaderboard"
INPUT_TABLES = ("evaluation", "comparison")
SPLIT_TYPE = dg.PythonObjectDagsterType(pl.LazyFrame, name="split_table")
TABLE_TYPE = dg.PythonObjectDagsterType(pl.DataFrame, name="measured_table")


@dg.asset(
    ins={
        f"{table}_{protocol.name}": dg.AssetIn(protocol.build_key(table), dagster_type=TABLE_TYPE)
        for table in INPUT_TABLES
        for protocol in PROTOCOLS
    }
    | {
        f"split_{protocol.name}": dg.AssetIn(protocol.build_key("split"), dagster_type=SPLIT_TYPE)
        for protocol in PROTOCOLS
    },
    partitions_def=sample_partitions,
    group_name="evaluation",
    kinds=PARQUET_KINDS,
    owners=["team:ml"],
)
def leaderboard(
    context: dg.AssetExecutionContext, dataset: Dataset, tracking: MlflowTracking, **tables: Any
) -> pl.DataFrame:
    """One table of all results, a row per protocol, segment, model and metric; `make results` copies it into docs.

    Has metrics with intervals, costs (fit seconds, peak memory, users per second), and paired differences, where `base`
    is the other model. The columns source, description and version name the data set.
    """
    fits = tracking.get_latest_metrics(context.partition_key)
    parts = []
    left_out: set[str] = set()
    measured = [protocol for protocol in PROTOCOLS if not tables[f"evaluation_{protocol.name}"].is_empty()]
    for protocol in measured:
        costs = compute_costs(
            {model: fits.get(protocol.build_key(asset).to_user_string(), {}) for model, asset in ASSET_BY_MODEL.items()}
        )
        evaluation, comparison = (tables[f"{table}_{protocol.name}"] for table in INPUT_TABLES)
        present = set(evaluation["model"])
        left_out |= {f"{protocol.name} {model}" for model in ASSET_BY_MODEL if model not in present}
        costs = {model: of_model for model, of_model in costs.items() if model in present}  # none of an earlier fit
        nothing = count_users_without_likes(tables[f"split_{protocol.name}"])
        parts.append(build_leaderboard(evaluation, comparison, costs, protocol=protocol.name, liked_nothing=nothing))
    table = pl.concat(parts).with_columns(
        source=pl.lit(dataset.name), description=pl.lit(dataset.description), version=pl.lit(dataset.version)
    )
    own = table.filter(pl.col("base").is_null())
    headline = own.filter(metric="ndcg_at_10").select("protocol", "segment", "model", "value", "low", "high", "n")
    tracking.record_table(context, EXPERIMENT, own.select("protocol", "segment", "model", "metric", "value"))
    pictures = {
        f"plot_{protocol.name}": plots.plot_intervals(
            headline.filter(protocol=protocol.name, segment=KNOWN_USERS),
            title=f"nDCG@10, {protocol.name}, 95 % interval",
        )
        for protocol in measured
    }
    context.add_output_metadata({"ndcg_at_10": render_markdown_table(headline), **pictures})
    if left_out:
        told = f"nothing measured of {', '.join(sorted(left_out))}; the metadata of evaluation has the reasons"
        context.add_output_metadata({"left_out": told})
    return table


def compute_costs(metrics_by_model: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Costs by model, from the metrics of each model's own fit in MLflow.

    A recommender's cost is the sum over its channels as fitted for measuring, plus its ranker. The channel fits that
    propose the ranker's training rows are not counted. Seconds add up; of memory the highest counts.
    """
    costs = {model: dict(of_model) for model, of_model in metrics_by_model.items()}
    for recommender, channels in RECOMMENDER_CHANNELS.items():
        stages = [metrics_by_model[channel] for channel in channels]
        of_ranker = metrics_by_model[recommender]
        costs[recommender] |= sum_stage_costs([*stages, of_ranker])
        if recommender == "two_stage":
            speed = {"users_per_second": of_ranker[BLEND_SPEED_METRIC]} if BLEND_SPEED_METRIC in of_ranker else {}
            costs["blend"] = sum_stage_costs(stages) | speed
    return costs
