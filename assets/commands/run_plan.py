"""The order of runs: assets of a sample, then the windows of the back-test one by one, then what stands below them."""

from collections.abc import Iterator, Set
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import polars as pl

from assets.automation.jobs import WINDOW_ASSETS
from assets.backtest import list_outdated_tables

N_LABEL_WINDOWS, N_RANKED_WINDOWS = 5, 2  # of the last windows, all that a first bundle waits for
_RANKED_ONLY = {dg.AssetKey("window_relevant"), dg.AssetKey("window_rankings")}


class PlannedRun(NamedTuple):
    """Assets to materialise in one run, and of which partition; None if they have none."""

    partition_key: str | None
    assets: Set[dg.AssetKey]


def plan_runs(
    definitions: dg.Definitions, chosen: Set[dg.AssetKey], *, sample: str, store: Path, only_latest: bool
) -> Iterator[PlannedRun]:
    """The runs that materialise the `chosen` assets of a sample, in order.

    The windows are read from the store after the run that writes them. With `only_latest` the last windows are made
    alone, and of them those that are missing or were made from other ratings.
    """
    graph = definitions.resolve_asset_graph()
    if unpartitioned := {key for key in chosen if graph.get(key).partitions_def is None}:
        yield PlannedRun(None, unpartitioned)
        chosen = chosen - unpartitioned
    in_windows = WINDOW_ASSETS.resolve(graph) & chosen
    if not in_windows:
        if chosen:
            yield PlannedRun(sample, chosen)
        return
    above = (dg.AssetSelection.assets(*in_windows).upstream().resolve(graph) & chosen) - in_windows
    if above:
        yield PlannedRun(sample, above)
    windows = pl.read_parquet(store / sample / "windows.parquet")
    for window, assets in _list_windows(windows, in_windows, store / sample, only_latest=only_latest):
        yield PlannedRun(dg.MultiPartitionKey({"sample": sample, "window": window}), assets)
    if rest := chosen - in_windows - above:
        yield PlannedRun(sample, rest)


def _list_windows(
    windows: pl.DataFrame, assets: Set[dg.AssetKey], store: Path, *, only_latest: bool
) -> Iterator[tuple[str, Set[dg.AssetKey]]]:
    names = windows["window"].to_list()
    if not only_latest:
        yield from ((name, assets) for name in names)
        return
    ranked = names[-N_RANKED_WINDOWS - 1 : -1]  # nothing is chosen on the last window
    for name in names[-N_LABEL_WINDOWS:]:
        wanted = assets if name in ranked else assets - _RANKED_ONLY
        fingerprint = windows.filter(window=name)["fingerprint"].item()
        outdated = {dg.AssetKey(table) for table in list_outdated_tables(store, name, fingerprint)} & wanted
        if dg.AssetKey("window_label_rows") in outdated:
            yield name, wanted
        elif outdated:
            yield name, outdated
