"""`python -m assets.commands.pipeline` materialises the graph in this process and prints its progress."""

import argparse
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from movierec.bundles.bundle import Bundle, BundleError, current_version, roll_back_bundle
from movierec.bundles.companion import Companion
from movierec.data.sampling import SAMPLES
from movierec.settings import EXIT_WRONG_SETTING, Settings, SettingsError
from resources import dagster_instance
from resources.mlflow_tracking import MlflowTracking

EXIT_FAILED, EXIT_STOPPED = 1, 130
# What the site reads and all above it; the other windows, leaderboard and recommendations are left to `make pipeline`.
SERVED_SELECTION = '+key:"published" or +key:"companion" or +group:"metadata"'
CLUSTERS_SELECTION = "key:clusters+"
INTERRUPTION_CLASSES = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")


class SelectionError(ValueError):
    """A selection that names no assets; the message says which."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code: 0 on success, else EXIT_FAILED, EXIT_WRONG_SETTING or EXIT_STOPPED."""
    given = _build_parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        return _print_message(str(error), exit_code=EXIT_WRONG_SETTING)
    dagster_instance.prepare_dagster_home(settings)
    if given.unlock:
        with dg.DagsterInstance.get() as dagster:
            ended, freed = dagster_instance.end_killed_runs(dagster), dagster_instance.free_pool_slots(dagster)
            _print_message(f"Killed runs, marked as failed: {', '.join(ended) or 'none'}.")
            return _print_message(f"Slots freed, held by other runs: {', '.join(freed) or 'none'}.")
    if given.rollback:
        try:
            version = roll_back_bundle(settings.layout.locate_bundles(given.sample))
        except BundleError as error:
            return _print_message(str(error), exit_code=EXIT_FAILED)
        MlflowTracking(folder=str(settings.layout.mlflow), dagster_url="").set_champion(given.sample, version)
        return _print_message(f"Serving bundle {version} again.")
    if given.if_needed:
        return materialise_if_needed(settings, given.sample)
    return materialise_assets(settings, given.sample, selection=given.select)


def materialise_if_needed(settings: Settings, sample: str) -> int:
    """Runs only what is missing or outdated; gives the exit code.

    Runs nothing if a valid bundle of the current data and its companion are published; only the clusters if just the
    companion is missing. A failed run counts as success if a bundle can still be served.
    """
    published = _open_manifest(settings.layout.locate_bundles(sample), Bundle.open)
    if published and _is_current(settings, published):
        beside = _open_manifest(settings.layout.locate_companions(sample), Companion.open)
        if beside and beside.get("source") == published["source"]:
            return _print_message(f"Up to date: {_describe_bundle(published)}.")
        _print_message(f"Up to date but for its clusters: {_describe_bundle(published)}.")
        code = materialise_assets(settings, sample, selection=CLUSTERS_SELECTION)
    else:
        code = materialise_assets(settings, sample, selection=SERVED_SELECTION, only_latest_windows=True)
    if code == EXIT_FAILED and (served := _open_manifest(settings.layout.locate_bundles(sample), Bundle.open)):
        how = "what was published before" if served == published else "all the same"
        return _print_message(f"Serving {how}: {_describe_bundle(served)}.")
    return code


def _open_manifest(home: Path, open_version: Callable[[Path], Bundle | Companion]) -> dict[str, Any] | None:
    """The manifest of the version published under `home`; None if there is none or it is broken."""
    folder = current_version(home)
    try:
        return None if folder is None else open_version(folder).manifest
    except BundleError as error:
        _print_message(f"{error}: publishing anew")
        return None


def materialise_assets(
    settings: Settings, sample: str, *, selection: str = "*", only_latest_windows: bool = False
) -> int:
    """Runs the selected assets of one sample, recorded in the persistent instance; gives the exit code.

    With `only_latest_windows` the back-test is brought up to date in its last windows alone.
    """
    from assets.commands.run_plan import plan_runs
    from assets.definitions import build_definitions

    started = time.monotonic()
    definitions = build_definitions(settings)
    try:
        chosen = _select_assets(definitions, selection)
    except SelectionError as error:
        return _print_message(str(error), exit_code=EXIT_WRONG_SETTING)
    _print_message(f"{settings.source}, sample {sample}, {len(chosen)} assets; written under {settings.home}")
    before = _list_published(settings, sample)
    lock = dagster_instance.hold_run_lock(settings.layout.dagster, uuid.uuid4().hex)
    with dg.DagsterInstance.get() as dagster, lock as tags:
        for run_id in dagster_instance.end_killed_runs(dagster):
            _print_message(f"Run {run_id} was killed; marked as failed.")
        job = definitions.resolve_implicit_global_asset_job_def()
        for planned in plan_runs(
            definitions, chosen, sample=sample, store=settings.layout.store, only_latest=only_latest_windows
        ):
            result = job.execute_in_process(
                instance=dagster,
                partition_key=planned.partition_key,
                asset_selection=sorted(planned.assets),
                tags=tags,
                raise_on_error=False,
                run_config={"loggers": {"progress": {}}},
            )
            if not result.success:
                # What does not stand below a failed step goes on, and may have published.
                return _report_failure(result, published=_list_published(settings, sample) - before)
    return _print_message(f"Done in {time.monotonic() - started:.0f} s.")


def _select_assets(definitions: dg.Definitions, selection: str) -> set[dg.AssetKey]:
    """The assets that a selection in Dagster's language names: of all but what is made on demand, unless it is named.

    Raises SelectionError.
    """
    from assets.automation.jobs import ON_DEMAND_ASSETS

    graph = definitions.resolve_asset_graph()
    if selection == "*":
        return set((dg.AssetSelection.all() - ON_DEMAND_ASSETS).resolve(graph))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of the selection language, which the UI speaks too
        try:
            chosen = dg.AssetSelection.from_string(selection).resolve(graph)
        except dg.DagsterError as error:
            raise SelectionError(f"SELECT={selection} is no selection of assets: {error}") from error
    if not chosen:
        raise SelectionError(f"SELECT={selection} selects nothing")
    return set(chosen)


def _report_failure(result: dg.ExecuteInProcessResult, *, published: set[str]) -> int:
    """Says which steps failed and why, and what was `published` all the same; gives the exit code."""
    names = ", ".join(sorted(published))
    outcome = f"published all the same: {names}" if names else "nothing that was published before has changed"
    causes = {str(step.step_key): _get_cause(step.step_failure_data.error) for step in result.get_step_failure_events()}
    if any(cause.cls_name in INTERRUPTION_CLASSES for cause in causes.values()):
        return _print_message(f"Stopped in {', '.join(causes)}; {outcome}.", exit_code=EXIT_STOPPED)
    for step, cause in causes.items():
        _print_message(f"\n{step} failed: {_format_cause(cause)}")
    return _print_message(f"Run {result.run_id} failed; {outcome}.", exit_code=EXIT_FAILED)


def _list_published(settings: Settings, sample: str) -> set[str]:
    """The published bundle and companion of the sample, as "bundle <version>" and "companion <version>"."""
    layout = settings.layout
    pointers = {"bundle": layout.locate_bundles(sample), "companion": layout.locate_companions(sample)}
    return {f"{kind} {folder.name}" for kind, home in pointers.items() if (folder := current_version(home))}


def _get_cause(error: Any) -> Any:
    """The exception that the asset raised, without the one that Dagster wraps around it."""
    return error.cause or error


def _format_cause(error: Any) -> str:
    """The text of the exception, without the name of its class."""
    message = str(error.message)
    return (message.partition(f"{error.cls_name}: ")[2] or message).strip()


def _is_current(settings: Settings, manifest: dict[str, Any]) -> bool:
    """Whether the bundle was made from the data that the source has now; False if the source is not available."""
    from resources.sources.dataset import SourceError
    from resources.sources.forgotten_users import acquire_remaining_dataset

    layout = settings.layout
    try:
        found = acquire_remaining_dataset(settings.source, layout.raw, layout.forgotten_users)
        return bool(found.version == manifest["source"]["version"])
    except SourceError:
        return False  # the run that follows says why


def _describe_bundle(manifest: dict[str, Any]) -> str:
    return f"bundle {manifest['version']} ({manifest['source']['name']}, sample {manifest['sample']})"


def _print_message(message: str, *, exit_code: int = 0) -> int:
    (sys.stderr if exit_code else sys.stdout).write(f"{message}\n")
    return exit_code


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assets.commands.pipeline", description=__doc__)
    parser.add_argument("--sample", choices=SAMPLES, default="full")
    parser.add_argument(
        "--select", default="*", help="assets, in Dagster's selection language: key:ranker+, group:features"
    )
    parser.add_argument(
        "--if-needed", action="store_true", help="only when what is published is not of this data, or broken"
    )
    parser.add_argument("--rollback", action="store_true", help="serve the bundle before the served one, and stop")
    parser.add_argument(
        "--unlock",
        action="store_true",
        help="mark killed runs as failed, free the slots that no run at work holds, and stop",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
