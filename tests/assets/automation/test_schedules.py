from datetime import UTC, datetime

import dagster as dg
import pytest

from assets.automation.jobs import everything_job
from assets.automation.schedules import ANY_ASSETS_JOB, WEEKLY_TRIALS, build_schedules
from assets.definitions import build_definitions
from movierec.settings import Settings

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as own:
        yield own


def evaluate(instance, name, **settings):
    """What the schedule requests at a tick."""
    (schedule,) = (each for each in build_schedules(Settings(**settings)) if each.name == name)
    return schedule(dg.build_schedule_context(instance, scheduled_execution_time=NEW_YEAR))


def test_the_nightly_schedule_follows_the_settings(instance):
    settings = {"retrain_cron": "5 4 * * *", "timezone": "Europe/Berlin", "sample": "10pct"}
    nightly = build_schedules(Settings(**settings))[0]
    assert (nightly.cron_schedule, nightly.execution_timezone) == ("5 4 * * *", "Europe/Berlin")
    request = evaluate(instance, "nightly_retrain", **settings)
    assert request.partition_key == "10pct"
    assert "2030-01-01" in request.run_key


@pytest.mark.parametrize("job", [everything_job.name, ANY_ASSETS_JOB])
@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_no_second_nightly_run_starts_while_one_is_waiting_or_at_work(instance, job, status):
    run = instance.create_run_for_job(dg.GraphDefinition(job.lstrip("_")).to_job(name=job), status=status)
    skipped = evaluate(instance, "nightly_retrain")
    assert isinstance(skipped, dg.SkipReason)
    assert run.run_id in skipped.skip_message
    instance.report_run_failed(run)
    assert isinstance(evaluate(instance, "nightly_retrain"), dg.RunRequest)


def test_metadata_is_only_fetched_with_a_key(instance):
    assert evaluate(instance, "daily_metadata").skip_message == "TMDB_API_KEY is not set"
    assert evaluate(instance, "daily_metadata", tmdb_api_key="key").partition_key == "full"


def test_the_weekly_search_has_a_configuration_that_its_job_accepts(instance):
    request = evaluate(instance, "weekly_tuning")
    assert request.run_config["ops"]["tuned"]["config"] == {"trials": WEEKLY_TRIALS}
    job = build_definitions(Settings()).resolve_job_def("tune")
    assert dg.validate_run_config(job, request.run_config)["ops"]["tuned"]["config"]["trials"] == WEEKLY_TRIALS


@pytest.mark.parametrize("on", [False, True])
def test_one_setting_switches_everything_on(on):
    repository = build_definitions(Settings(automation=on)).get_repository_def()
    automation = [*repository.schedule_defs, *repository.sensor_defs]
    assert len(automation) == 8
    assert {each.default_status.value for each in automation} == {"RUNNING" if on else "STOPPED"}
