import time
import uuid
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.events import DagsterEvent, DagsterEventType

from movierec.settings import Settings
from resources import dagster_instance as module


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def home(instance):
    return Path(instance.root_directory)


def start_run(instance, **given):
    run = instance.create_run_for_job(dg.GraphDefinition("empty").to_job(), **given)
    event = DagsterEvent(event_type_value=DagsterEventType.RUN_START.value, job_name=run.job_name)
    instance.handle_run_event(run.run_id, event)
    return run.run_id


def start_launched_run(instance):
    """A run as the launcher starts it: its lock has its own id."""
    run_id = str(uuid.uuid4())
    return start_run(instance, run_id=run_id, tags={module.LOCK_TAG: run_id})


@pytest.fixture
def wait(monkeypatch):
    """`wait(60)`: the clock goes on by a minute."""

    def go_on(seconds):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + seconds)

    return go_on


def status(instance, run_id):
    return instance.get_run_by_id(run_id).status


def claim_slot(instance, run_id):
    instance.event_log_storage.set_concurrency_slots("training", 1)
    assert instance.event_log_storage.claim_concurrency_slot("training", run_id, "step").is_claimed


def test_a_run_whose_process_is_gone_is_marked_as_failed_and_its_slot_is_free(instance):
    run_id = start_run(instance, tags={module.LOCK_TAG: "gone"})
    claim_slot(instance, run_id)
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED
    assert module.end_killed_runs(instance) == [run_id]
    assert status(instance, run_id) == dg.DagsterRunStatus.FAILURE
    assert instance.event_log_storage.get_concurrency_info("training").claimed_slots == []


def test_a_launched_run_that_is_gone_is_marked_as_failed(instance, wait):
    run_id = start_launched_run(instance)
    wait(module.LOCK_GRACE_SECONDS + 1)
    assert module.end_killed_runs(instance) == [run_id]


def test_a_launched_run_has_a_minute_to_take_its_lock(instance, wait):
    run_id = start_launched_run(instance)
    wait(module.LOCK_GRACE_SECONDS - 10)
    assert module.end_killed_runs(instance) == []
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_run_that_is_at_work_is_left_alone_however_long_it_takes(instance, home, wait):
    run_id = start_launched_run(instance)
    wait(5 * 3600)
    with module.hold_run_lock(home, run_id):
        assert module.end_killed_runs(instance) == []
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED
    assert module.end_killed_runs(instance) == [run_id]


def test_a_run_without_a_lock_is_not_judged(instance):
    run_id = start_run(instance)
    assert module.end_killed_runs(instance) == []
    assert status(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_slots_are_freed_except_those_of_runs_at_work(instance, home):
    with module.hold_run_lock(home, "mine") as tags:
        at_work = start_run(instance, tags=tags)
        claim_slot(instance, at_work)
        assert module.free_pool_slots(instance) == []
    ended = start_run(instance)
    instance.event_log_storage.free_concurrency_slots_for_run(at_work)
    claim_slot(instance, ended)
    assert module.free_pool_slots(instance) == [ended]
    assert instance.event_log_storage.get_concurrency_info("training").claimed_slots == []


def test_a_home_gets_our_configuration_and_a_changed_one_is_put_right(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "elsewhere")
    for _ in range(2):
        module.prepare_dagster_home(Settings(home=tmp_path))
        written = tmp_path / "dagster" / "dagster.yaml"
        assert written.read_text() == module.CONFIGURATION_FILE.read_text()
        written.write_text("old")
    assert module.os.environ["DAGSTER_HOME"] == str(tmp_path / "dagster")


def test_dagster_keeps_its_runs_in_postgresql_if_the_setting_names_one(tmp_path, monkeypatch, postgres_url):
    """The file holds no password, and a second migration finds nothing to do."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv(module.DATABASE_VARIABLE, "")
    engine = sqlalchemy.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE dagster")
    url = postgres_url.replace("/postgres?", "/dagster?")
    module.prepare_dagster_home(Settings(home=tmp_path, dagster_database_url=url))
    assert url not in (tmp_path / "dagster" / "dagster.yaml").read_text()
    module.migrate_dagster_storage()
    module.migrate_dagster_storage()
    with dg.DagsterInstance.get() as instance:
        run_id = start_run(instance)
        claim_slot(instance, run_id)
        assert module.end_killed_runs(instance) == []
        assert module.free_pool_slots(instance) == [run_id]
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(1_000, 3_600, 5)  # as the Dagster UI does; it sets up each connection
        assert status(instance, run_id) == dg.DagsterRunStatus.STARTED
    stored = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with stored.connect() as connection:
        assert connection.exec_driver_sql("SELECT run_id FROM runs").scalars().all() == [run_id]
        assert connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1
    stored.dispose()
    engine.dispose()
    assert not list((tmp_path / "dagster").rglob("*.db"))


def test_telemetry_is_off_and_one_fit_runs_at_a_time():
    import yaml

    configuration = yaml.safe_load(module.CONFIGURATION_FILE.read_text())
    assert configuration["telemetry"] == {"enabled": False}
    assert configuration["concurrency"]["pools"] == {"default_limit": 1, "granularity": "op"}
