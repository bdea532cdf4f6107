"""Jobs of the graph, and the nightly retraining, which is off until it is switched on in the Dagster UI."""

import dagster as dg

from movierec.settings import Settings

ON_DEMAND_ASSETS = dg.AssetSelection.groups("exports")

everything_job = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all() - ON_DEMAND_ASSETS,
    description="The whole graph, from the CSV files to the bundle.",
)
train_job = dg.define_asset_job(
    "train",
    selection=dg.AssetSelection.groups("features", "candidates", "ranking", "evaluation"),
    description="Features, candidate models, ranker and their evaluation, on the tables that are there.",
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

jobs = [everything_job, train_job, publish_job, train_kmeans_job, export_job]


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
