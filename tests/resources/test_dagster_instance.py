import dagster as dg
import pytest

from resources import dagster_instance as module


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def started(instance, tags):
    run = instance.create_run_for_job(dg.GraphDefinition("empty").to_job(), tags=tags)
    instance.report_engine_event("begins", run)
    instance.handle_run_event(run.run_id, _start_event(run))
    return run.run_id


def _start_event(run):
    from dagster._core.events import DagsterEvent, DagsterEventType

    return DagsterEvent(event_type_value=DagsterEventType.RUN_START.value, job_name=run.job_name)


def status(instance, run_id):
    return instance.get_run_by_id(run_id).status


def test_a_run_whose_process_is_gone_is_marked_as_failed(instance, tmp_path):
    run_id = started(instance, {module.LOCK_TAG: "gone"})
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED
    assert module.end_killed_runs(instance, tmp_path) == [run_id]
    assert status(instance, run_id) == dg.DagsterRunStatus.FAILURE


def test_a_run_that_is_at_work_is_left_alone(instance, tmp_path):
    with module.hold_run_lock(tmp_path) as tags:
        run_id = started(instance, tags)
        assert module.end_killed_runs(instance, tmp_path) == []
        assert status(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_run_of_the_daemon_is_not_ours_to_end(instance, tmp_path):
    run_id = started(instance, {})
    assert module.end_killed_runs(instance, tmp_path) == []
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_home_gets_our_configuration_and_a_changed_one_is_put_right(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "elsewhere")
    for _ in range(2):
        module.prepare_dagster_home(tmp_path)
        written = tmp_path / "dagster.yaml"
        assert written.read_text() == module.CONFIGURATION_FILE.read_text()
        written.write_text("old")
    assert module.os.environ["DAGSTER_HOME"] == str(tmp_path)


def test_telemetry_is_off_and_one_fit_runs_at_a_time():
    import yaml

    configuration = yaml.safe_load(module.CONFIGURATION_FILE.read_text())
    assert configuration["telemetry"] == {"enabled": False}
    assert configuration["concurrency"]["pools"] == {"default_limit": 1, "granularity": "op"}
