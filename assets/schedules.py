"""Jobs of the graph, the nightly retraining and the sensor of new windows. Both are off until they are switched on."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.backtest import list_outdated_tables
from movierec.settings import Settings

ON_DEMAND_ASSETS = dg.AssetSelection.groups("exports")
WINDOW_ASSETS = dg.AssetSelection.assets("window_relevant", "window_retrieval", "window_label_rows", "window_rankings")

everything_job = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all() - ON_DEMAND_ASSETS - WINDOW_ASSETS,
    description="From the CSV files to the bundle, with the windows of the back-test as they are.",
)
train_job = dg.define_asset_job(
    "train",
    selection=dg.AssetSelection.groups("features", "candidates", "ranking", "evaluation"),
    description="Features, candidate models, ranker and their evaluation, on the tables that are there.",
)
backtest_job = dg.define_asset_job(
    "backtest",
    selection=WINDOW_ASSETS,
    description="One window of the back-test: every model fitted at its cut, and what each recommends there.",
)
publish_job = dg.define_asset_job(
    "publish", selection=dg.AssetSelection.groups("published"), description="A new bundle from the fitted models."
)
train_kmeans_job = dg.define_asset_job(
    "train_kmeans",
    selection=dg.AssetSelection.assets("clusters", "cluster_tags", "companion"),
    description="New clusters and their tags, served at once; nothing else is trained. The site starts it too.",
)
export_job = dg.define_asset_job(
    "export", selection=ON_DEMAND_ASSETS, description="Catalogue, users and ratings into SQLite or PostgreSQL."
)

jobs = [everything_job, train_job, backtest_job, publish_job, train_kmeans_job, export_job]


def build_window_sensor(settings: Settings) -> dg.SensorDefinition:
    """Requests a run of `backtest` for each window that is new or whose ratings have changed."""

    @dg.asset_sensor(
        asset_key=dg.AssetKey("windows"),
        job=backtest_job,
        name="new_windows",
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs the back-test in the windows whose tables are missing or were made from other ratings.",
    )
    def new_windows(context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry) -> Iterator[dg.RunRequest]:  # noqa: ARG001
        sample = asset_event.dagster_event.partition if asset_event.dagster_event else None
        folder = settings.layout.locate_tables(str(sample))
        for row in pl.read_parquet(folder / "windows.parquet").iter_rows(named=True):
            if list_outdated_tables(folder, row["window"], row["fingerprint"]):
                key = dg.MultiPartitionKey({"sample": str(sample), "window": row["window"]})
                yield dg.RunRequest(run_key=f"{key} {row['fingerprint']}", partition_key=key)

    return new_windows


def build_nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Runs the job `everything` for `settings.sample` at `settings.retrain_cron` in `settings.timezone`."""

    @dg.schedule(
        name="nightly_retrain",
        job=everything_job,
        cron_schedule=settings.retrain_cron,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Materialises the whole graph; set by MOVIEREC_RETRAIN_CRON and MOVIEREC_TIMEZONE.",
    )
    def retrain(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), partition_key=settings.sample)

    return retrain
