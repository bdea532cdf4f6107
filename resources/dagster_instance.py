"""Prepares the persistent Dagster instance (DAGSTER_HOME) and cleans up after killed runs."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from movierec.bundles.atomic_write import atomic_write

CONFIGURATION_FILE = Path(__file__).with_name("dagster.yaml")
LOCK_TAG = "movierec/lock"
UNFINISHED_STATUSES = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def prepare_dagster_home(home: Path) -> None:
    """Writes our dagster.yaml into `home` and sets DAGSTER_HOME for this process and its children."""
    wanted = CONFIGURATION_FILE.read_text()
    target = home / "dagster.yaml"
    if not target.is_file() or target.read_text() != wanted:
        with atomic_write(target) as part:
            part.write_text(wanted)
    os.environ["DAGSTER_HOME"] = str(home.absolute())


@contextmanager
def hold_run_lock(home: Path) -> Iterator[dict[str, str]]:
    """Holds a file lock while this process runs; gives the tags that link a Dagster run to the lock.

    The operating system releases the lock when the process dies, so `end_killed_runs` can tell that the run is dead.
    """
    path = _build_lock_path(home, uuid.uuid4().hex)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path):
            yield {LOCK_TAG: path.stem}
    finally:
        path.unlink(missing_ok=True)


def end_killed_runs(instance: dg.DagsterInstance, home: Path) -> list[str]:
    """Marks runs whose process has died as failed and frees their pool slots. Gives the ids of these runs.

    Otherwise a killed run would stay "started" forever, and the next fit would wait for its slot.
    """
    killed = [run for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED_STATUSES)) if _is_killed(run, home)]
    for run in killed:
        instance.report_run_failed(run, f"The process of run {run.run_id} was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        _build_lock_path(home, run.tags[LOCK_TAG]).unlink(missing_ok=True)
    return [run.run_id for run in killed]


def free_pool_slots(instance: dg.DagsterInstance) -> list[str]:
    """Frees all pool slots, even of runs that are still working. Gives the sorted ids of the runs that held a slot."""
    log = instance.event_log_storage
    claims = [claim for pool in log.get_concurrency_keys() for claim in log.get_concurrency_info(pool).claimed_slots]
    runs = sorted({claim.run_id for claim in claims})
    for run_id in runs:
        log.free_concurrency_slots_for_run(run_id)
    return runs


def _is_killed(run: dg.DagsterRun, home: Path) -> bool:
    if LOCK_TAG not in run.tags:
        return False  # started by the daemon, which watches over its own
    path = _build_lock_path(home, run.tags[LOCK_TAG])
    if not path.exists():
        return True
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False


def _build_lock_path(home: Path, name: str) -> Path:
    return home / "locks" / f"{name}.lock"
