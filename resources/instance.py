"""The persistent Dagster instance under MOVIEREC_HOME."""

import os
from pathlib import Path

import dagster as dg

from movierec.published import atomic

CONFIGURATION = Path(__file__).with_name("dagster.yaml")


def prepare(home: Path) -> None:
    """Makes `home` a DAGSTER_HOME with our configuration and points this process and its children at it."""
    wanted = CONFIGURATION.read_text()
    target = home / "dagster.yaml"
    if not target.is_file() or target.read_text() != wanted:
        with atomic(target) as part:
            part.write_text(wanted)
    os.environ["DAGSTER_HOME"] = str(home.absolute())


def free_slots() -> int:
    """Frees the pool slots that killed runs still hold; gives how many runs held any."""
    with dg.DagsterInstance.get() as instance:
        log = instance.event_log_storage
        runs = {
            claim.run_id
            for pool in log.get_concurrency_keys()
            for claim in log.get_concurrency_info(pool).claimed_slots
        }
        for run_id in runs:
            log.free_concurrency_slots_for_run(run_id)
        return len(runs)
