"""Deletes what nobody needs any more: old Dagster runs, old MLflow runs, and leftovers of killed writers.

Tables, models and bundles are not its business: each write of one deletes the versions that it supersedes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from movierec.bundles.atomic_write import list_stale_parts, sweep_parts
from movierec.bundles.versioned_folders import list_versions
from movierec.home_layout import HomeLayout
from resources.io_managers import get_folder_size
from resources.mlflow_tracking import MlflowTracking


class Deleted(NamedTuple):
    """How many things of a kind were deleted, and the disk space that became free, in bytes."""

    n: int
    bytes: int


class Retention(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What is kept under MOVIEREC_HOME, `home`: everything of the last `keep_days` days, and whatever is in use."""

    home: str
    keep_days: int

    def delete_unneeded(self, instance: dg.DagsterInstance, tracking: MlflowTracking) -> dict[str, Deleted]:
        """Deletes, and gives what was deleted by kind."""
        layout, before = HomeLayout(Path(self.home)), datetime.now(UTC) - timedelta(days=self.keep_days)
        return {
            "dagster_runs": delete_old_runs(instance, before=before),
            "mlflow_runs": delete_old_fits(tracking, layout, before=before),
            "leftovers": delete_leftovers(layout),
        }


def delete_old_runs(instance: dg.DagsterInstance, *, before: datetime) -> Deleted:
    """Deletes finished runs that were last updated before then, with their events and what their steps printed.

    The run of the latest materialisation of every asset and partition stays: the asset's page, and the provenance that
    decides what may be published, are read from its events.
    """
    folder = Path(instance.root_directory)
    size, kept = get_folder_size(folder), list_latest_runs(instance)
    old = instance.get_runs(dg.RunsFilter(statuses=FINISHED_STATUSES, updated_before=before))
    unneeded = [run.run_id for run in old if run.run_id not in kept]
    for run_id in unneeded:
        delete_run(instance, run_id)
    return Deleted(len(unneeded), max(0, size - get_folder_size(folder)))


def delete_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Deletes a run with its events and what its steps printed."""
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    for file in (Path(instance.root_directory) / "history" / "runs").glob(f"{run_id}.db*"):
        file.unlink()  # Dagster empties the SQLite file of a run, but leaves it


def list_latest_runs(instance: dg.DagsterInstance) -> set[str]:
    """The ids of the runs that made the latest materialisation of each asset, in each of its partitions."""
    return {
        record.run_id for key in instance.all_asset_keys() for record in _iter_latest_materializations(instance, key)
    }


def _iter_latest_materializations(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[dg.EventLogRecord]:
    yield from instance.fetch_materializations(key, limit=1).records
    latest = instance.event_log_storage.get_latest_storage_id_by_partition(
        key, dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    if latest:
        wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=list(latest.values()))
        yield from instance.fetch_materializations(wanted, limit=len(latest)).records


def delete_old_fits(tracking: MlflowTracking, layout: HomeLayout, *, before: datetime) -> Deleted:
    """Deletes MLflow runs that began before then, with their artifacts, except those that are in use.

    In use are the latest run of each asset and sample, and those of registered models whose bundle is on disk.
    """
    if not layout.mlflow.is_dir():
        return Deleted(0, 0)
    size = get_folder_size(layout.mlflow)
    homes = [home for home in layout.published.glob("*") if home.is_dir()]
    bundles = {folder.name for home in homes for folder in list_versions(home)}
    n = tracking.delete_old_runs(before=before, kept_bundles=bundles)
    return Deleted(n, max(0, size - get_folder_size(layout.mlflow)))


def delete_leftovers(layout: HomeLayout) -> Deleted:
    """Deletes files and folders that killed processes left half-written, STALE_SECONDS ago or more."""
    roots = (layout.store, layout.published, layout.companion, layout.metadata, layout.exports, layout.fetched_posters)
    stale = {part: get_size(part) for root in roots for part in list_stale_parts(root)}
    for folder in {part.parent for part in stale}:
        sweep_parts(folder)
    gone = [part for part in stale if not part.exists()]
    return Deleted(len(gone), sum(stale[part] for part in gone))


def get_size(path: Path) -> int:
    """The size of a file, or of all files below a folder, in bytes."""
    return get_folder_size(path) if path.is_dir() else path.stat().st_size
