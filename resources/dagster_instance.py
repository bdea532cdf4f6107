"""Prepares the persistent Dagster instance (DAGSTER_HOME) and cleans up after killed runs."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from movierec.bundles.atomic_write import atomic_write
from movierec.settings import Settings, name_variable

CONFIGURATION_FILE = Path(__file__).with_name("dagster.yaml")
DATABASE_VARIABLE = name_variable("dagster_database_url")
POSTGRES_STORAGE = f"""storage:
  custom:
    module: resources.dagster_storage
    class: Psycopg2Storage
    config:
      postgres_url:
        env: {DATABASE_VARIABLE}
"""
LOCK_TAG = "movierec/lock"
LOCK_GRACE_SECONDS = 60
UNFINISHED_STATUSES = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def prepare_dagster_home(settings: Settings) -> None:
    """Writes our dagster.yaml into Dagster's home and sets DAGSTER_HOME for this process and its children.

    With `dagster_database_url`, Dagster keeps runs and events in PostgreSQL. The file has the name of the variable, and
    never its value.
    """
    home = settings.layout.dagster
    wanted = CONFIGURATION_FILE.read_text()
    if settings.dagster_database_url:
        wanted += POSTGRES_STORAGE
        os.environ[DATABASE_VARIABLE] = settings.dagster_database_url.get_secret_value()
    target = home / "dagster.yaml"
    if not target.is_file() or target.read_text() != wanted:
        with atomic_write(target) as part:
            part.write_text(wanted)
    os.environ["DAGSTER_HOME"] = str(home.absolute())


def migrate_dagster_storage() -> None:
    """Brings the tables of the instance at DAGSTER_HOME to the version of the installed Dagster; new ones are made.

    Processes on PostgreSQL that start together wait for each other: two migrations at once would fail.
    """
    home = Path(os.environ["DAGSTER_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "migration.lock"), dg.DagsterInstance.get() as instance:
        instance.upgrade()


@contextmanager
def hold_run_lock(home: Path, name: str) -> Iterator[dict[str, str]]:
    """Holds the file lock `name` while this process runs; gives the tags that link Dagster runs to the lock.

    The operating system releases the lock when the process dies, so others can tell that its runs are dead.
    """
    path = _build_lock_path(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path):
            yield {LOCK_TAG: path.stem}
    finally:
        path.unlink(missing_ok=True)


def is_lock_held(home: Path, name: str) -> bool:
    """Whether a living process holds the lock."""
    path = _build_lock_path(home, name)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Marks runs whose process has died as failed and frees their pool slots. Gives the ids of these runs.

    Otherwise a killed run would stay "started", and the next fit would wait for its slot.
    """
    home = Path(instance.root_directory)
    killed = [
        record.dagster_run
        for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED_STATUSES))
        if has_lost_process(record, home)
    ]
    for run in killed:
        instance.report_run_failed(run, f"The process of run {run.run_id} was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        _build_lock_path(home, run.tags[LOCK_TAG]).unlink(missing_ok=True)
    return [run.run_id for run in killed]


def free_pool_slots(instance: dg.DagsterInstance) -> list[str]:
    """Frees the pool slots of runs that no living process is known to work on. Gives the sorted ids of these runs."""
    log = instance.event_log_storage
    claims = [claim for pool in log.get_concurrency_keys() for claim in log.get_concurrency_info(pool).claimed_slots]
    runs = sorted({claim.run_id for claim in claims if not _is_at_work(instance, claim.run_id)})
    for run_id in runs:
        log.free_concurrency_slots_for_run(run_id)
    return runs


def has_lost_process(record: dg.RunRecord, home: Path) -> bool:
    """Whether nobody holds the lock that the run's tag names.

    A run of the command line holds its lock before it is created. A launched one, whose lock has the name of the run,
    takes it when it has started, so it is judged LOCK_GRACE_SECONDS after that. A run without the tag is never judged.
    """
    run = record.dagster_run
    if LOCK_TAG not in run.tags or is_lock_held(home, run.tags[LOCK_TAG]):
        return False
    if run.tags[LOCK_TAG] != run.run_id:
        return True
    return record.start_time is not None and time.time() - record.start_time >= LOCK_GRACE_SECONDS


def _is_at_work(instance: dg.DagsterInstance, run_id: str) -> bool:
    record = instance.get_run_record_by_id(run_id)
    if record is None or record.dagster_run.is_finished or LOCK_TAG not in record.dagster_run.tags:
        return False
    return not has_lost_process(record, Path(instance.root_directory))


def _build_lock_path(home: Path, name: str) -> Path:
    return home / "locks" / f"{name}.lock"
