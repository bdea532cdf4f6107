"""Schedules: jobs that run at fixed times, unless a run of the same work is still in progress."""

from collections.abc import Callable, Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from assets.automation.jobs import everything_job, metadata_job, prune_job, tune_job
from movierec.settings import Settings

ANY_ASSETS_JOB = "__ASSET_JOB"  # of runs that `make`, a person in the UI or a condition starts for chosen assets
WEEKLY_TRIALS = 20  # of each model, in a week

BuildRequest = Callable[[str], dg.RunRequest | dg.SkipReason]  # from the key of the run


def build_schedules(settings: Settings) -> Sequence[dg.ScheduleDefinition]:
    """All schedules, on if `settings.automation` is; their times are those of `settings.timezone`."""

    def request_metadata(run_key: str) -> dg.RunRequest | dg.SkipReason:
        if not settings.tmdb_api_key:
            return dg.SkipReason("TMDB_API_KEY is not set")
        return dg.RunRequest(run_key, partition_key=settings.sample)

    def request_search(run_key: str) -> dg.RunRequest:
        config = {"ops": {"tuned": {"config": {"trials": WEEKLY_TRIALS}}}}
        return dg.RunRequest(run_key, partition_key=settings.sample, run_config=config)

    return [
        _build_schedule(
            settings,
            "nightly_retrain",
            everything_job,
            settings.retrain_cron,
            lambda run_key: dg.RunRequest(run_key, partition_key=settings.sample),
            "Materialises the whole graph; set by MOVIEREC_RETRAIN_CRON and MOVIEREC_TIMEZONE.",
        ),
        _build_schedule(
            settings,
            "weekly_tuning",
            tune_job,
            "0 13 * * 6",
            request_search,
            f"{WEEKLY_TRIALS} more trials of each model; the next training uses the best.",
        ),
        _build_schedule(
            settings,
            "daily_metadata",
            metadata_job,
            "0 12 * * *",
            request_metadata,
            "Fetches descriptions and posters from TMDB, if there is a key.",
        ),
        _build_schedule(
            settings,
            "weekly_prune",
            prune_job,
            "0 12 * * 0",
            dg.RunRequest,
            "Deletes runs older than MOVIEREC_KEEP_DAYS and what killed runs left behind.",
        ),
    ]


def describe_active_run(instance: dg.DagsterInstance, job_name: str) -> str | None:
    """Which run of the job, or of chosen assets, is waiting or at work, in words; None if there is none."""
    for name in (job_name, ANY_ASSETS_JOB):
        active = instance.get_runs(dg.RunsFilter(job_name=name, statuses=NOT_FINISHED_STATUSES), limit=1)
        if active:
            return f"run {active[0].run_id} of {name} is still {active[0].status.value.lower()}"
    return None


def _build_schedule(
    settings: Settings,
    name: str,
    job: UnresolvedAssetJobDefinition,
    cron: str,
    build_request: BuildRequest,
    description: str,
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
        description=description,
    )
    def request_run(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if active := describe_active_run(context.instance, job.name):
            return dg.SkipReason(active)
        return build_request(context.scheduled_execution_time.isoformat())

    return request_run
