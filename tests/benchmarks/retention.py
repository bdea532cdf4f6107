"""`python -m tests.benchmarks.retention`: the size of Dagster's folder after 30 nights, with and without pruning.

A night materialises 40 assets that do nothing, in one run, as many as a run of the graph has steps.
"""

import contextlib
import io
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from resources.io_managers import get_folder_size
from resources.retention import delete_old_runs

N_NIGHTS, N_KEPT_NIGHTS, N_ASSETS = 30, 7, 40


def build_asset(number: int) -> dg.AssetsDefinition:
    @dg.asset(name=f"asset_{number}")
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        context.log.info("a line of the log")
        return dg.MaterializeResult(metadata={"rows": number, "path": "a/path/of/usual/length.parquet"})

    return made


def measure_nights(*, with_pruning: bool) -> tuple[float, float]:
    """Megabytes in DAGSTER_HOME after the first kept nights, and after the last night."""
    assets, ended, early = [build_asset(number) for number in range(N_ASSETS)], [], 0.0
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.local_temp(folder) as instance:
        for night in range(1, N_NIGHTS + 1):
            with contextlib.redirect_stderr(io.StringIO()):
                dg.materialize(assets, instance=instance)
            ended.append(datetime.now(UTC))
            if with_pruning and night > N_KEPT_NIGHTS:
                delete_old_runs(instance, before=ended[-N_KEPT_NIGHTS - 1])
            if night == N_KEPT_NIGHTS:
                early = get_folder_size(Path(folder)) / 1e6
        return early, get_folder_size(Path(folder)) / 1e6


def main() -> int:
    for with_pruning in (False, True):
        early, late = measure_nights(with_pruning=with_pruning)
        how = f"keeping {N_KEPT_NIGHTS} nights" if with_pruning else "keeping all"
        sys.stdout.write(f"{how}: {early:.1f} MB after {N_KEPT_NIGHTS} nights, {late:.1f} MB after {N_NIGHTS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
