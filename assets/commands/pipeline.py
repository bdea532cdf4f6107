"""`python -m assets.commands.pipeline`: materialises the graph in this process and says how far it is."""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from movierec.bundles.bundle import Bundle, BundleError, current, rollback
from movierec.bundles.companion import Companion
from movierec.data.sampling import SAMPLES
from movierec.settings import Settings, SettingsError
from resources import dagster_instance
from resources.mlflow_tracking import Tracking

FAILED, WRONG_SETTING, STOPPED = 1, 2, 130
# What the site reads and all above it; the second protocol, leaderboard, recommendations are left to `make pipeline`.
SERVED = '+key:"published" or +key:"companion" or +group:"metadata"'
CLUSTERS = "key:clusters+"
INTERRUPTIONS = ("KeyboardInterrupt", "DagsterExecutionInterruptedError")


class SelectionError(ValueError):
    """A selection that names no assets; the message says which."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when what was asked for is there, else FAILED, WRONG_SETTING or STOPPED."""
    given = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        return _say(str(error), code=WRONG_SETTING)
    dagster_instance.prepare(settings.layout.dagster)
    if given.unlock:
        with dg.DagsterInstance.get() as dagster:
            return _say(f"Slots freed, held by runs: {', '.join(dagster_instance.free_slots(dagster)) or 'none'}.")
    if given.rollback:
        try:
            version = rollback(settings.layout.locate_bundles(given.sample))
        except BundleError as error:
            return _say(str(error), code=FAILED)
        Tracking(folder=str(settings.layout.mlflow), dagster_url="").set_champion(given.sample, version)
        return _say(f"Serving bundle {version} again.")
    if given.if_needed:
        return materialise_if_needed(settings, given.sample)
    return materialise(settings, given.sample, selection=given.select)


def materialise_if_needed(settings: Settings, sample: str) -> int:
    """Nothing where a sound bundle of the source's data is published and a companion beside it; a failure counts only
    where there is no bundle."""
    published = _manifest(settings.layout.locate_bundles(sample), Bundle.open)
    if published and _is_current(settings, published):
        beside = _manifest(settings.layout.locate_companions(sample), Companion.open)
        if beside and beside.get("source") == published["source"]:
            return _say(f"Up to date: {_name(published)}.")
        _say(f"Up to date but for its clusters: {_name(published)}.")
        code = materialise(settings, sample, selection=CLUSTERS)
    else:
        code = materialise(settings, sample, selection=SERVED)
    if code == FAILED and (served := _manifest(settings.layout.locate_bundles(sample), Bundle.open)):
        return _say(
            f"Serving {'what was published before' if served == published else 'all the same'}: {_name(served)}."
        )
    return code


def _manifest(home: Path, opened: Callable[[Path], Bundle | Companion]) -> dict[str, Any] | None:
    """Of what is published under `home`; None where that is nothing, or nothing sound."""
    folder = current(home)
    try:
        return None if folder is None else opened(folder).manifest
    except BundleError as error:
        _say(f"{error}: publishing anew")
        return None


def materialise(settings: Settings, sample: str, *, selection: str = "*") -> int:
    """Runs the selected assets of one sample, recorded in the persistent instance; gives the exit code."""
    from assets.definitions import definitions

    started = time.monotonic()
    graph = definitions(settings)
    # What is made on demand is no part of everything, but it can be named.
    job = graph.resolve_job_def("everything") if selection == "*" else graph.resolve_implicit_global_asset_job_def()
    try:
        chosen = _select_assets(job, selection)
    except SelectionError as error:
        return _say(str(error), code=WRONG_SETTING)
    _say(f"{settings.source}, sample {sample}, {len(chosen)} assets; written under {settings.home}")
    before = _served(settings, sample)
    with dg.DagsterInstance.get() as dagster, dagster_instance.alive(settings.layout.dagster) as tags:
        for run_id in dagster_instance.end_killed_runs(dagster, settings.layout.dagster):
            _say(f"Run {run_id} was killed; marked as failed.")
        result = job.execute_in_process(
            instance=dagster,
            partition_key=sample,
            asset_selection=sorted(chosen),
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"progress": {}}},
        )
    if result.success:
        return _say(f"Done in {time.monotonic() - started:.0f} s.")
    # What does not stand below a failed step goes on, and may have published.
    return _report_failure(result, published=_served(settings, sample) - before)


def _select_assets(job: dg.JobDefinition, selection: str) -> set[dg.AssetKey]:
    """The assets of a job that a selection in Dagster's language names. Raises SelectionError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of the selection language, which the UI speaks too
        try:
            chosen = dg.AssetSelection.from_string(selection).resolve(job.asset_layer.asset_graph)
        except dg.DagsterError as error:
            raise SelectionError(f"SELECT={selection} is no selection of assets: {error}") from error
    if not chosen:
        raise SelectionError(f"SELECT={selection} selects nothing")
    return set(chosen)


def _report_failure(result: dg.ExecuteInProcessResult, *, published: set[str]) -> int:
    """Says which steps failed and why, and what was `published` all the same; gives the exit code."""
    names = ", ".join(sorted(published))
    outcome = f"published all the same: {names}" if names else "nothing that was published before has changed"
    causes = {str(step.step_key): _cause(step.step_failure_data.error) for step in result.get_step_failure_events()}
    if any(cause.cls_name in INTERRUPTIONS for cause in causes.values()):
        return _say(f"Stopped in {', '.join(causes)}; {outcome}.", code=STOPPED)
    for step, cause in causes.items():
        _say(f"\n{step} failed: {_message(cause)}")
    return _say(f"Run {result.run_id} failed; {outcome}.", code=FAILED)


def _served(settings: Settings, sample: str) -> set[str]:
    """What the pointers of a sample name, in words."""
    layout = settings.layout
    pointers = {"bundle": layout.locate_bundles(sample), "companion": layout.locate_companions(sample)}
    return {f"{kind} {folder.name}" for kind, home in pointers.items() if (folder := current(home))}


def _cause(error: Any) -> Any:
    """The exception that the asset raised: Dagster's own stands around it, what led to it lies beneath."""
    return error.cause or error


def _message(error: Any) -> str:
    """What the exception says, without the path of its class."""
    message = str(error.message)
    return (message.partition(f"{error.cls_name}: ")[2] or message).strip()


def _is_current(settings: Settings, manifest: dict[str, Any]) -> bool:
    """Whether the bundle was made from the data that the source has now."""
    from resources.sources.dataset import SourceError
    from resources.sources.sources import acquire

    try:
        return bool(acquire(settings.source, settings.layout.raw).version == manifest["source"]["version"])
    except SourceError:
        return False  # the run that follows says why


def _name(manifest: dict[str, Any]) -> str:
    return f"bundle {manifest['version']} ({manifest['source']['name']}, sample {manifest['sample']})"


def _say(message: str, *, code: int = 0) -> int:
    (sys.stderr if code else sys.stdout).write(f"{message}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assets.commands.pipeline", description=__doc__)
    parser.add_argument("--sample", choices=SAMPLES, default="full")
    parser.add_argument(
        "--select", default="*", help="assets, in Dagster's selection language: key:ranker+, group:features"
    )
    parser.add_argument(
        "--if-needed", action="store_true", help="only when what is published is not of this data, or broken"
    )
    parser.add_argument("--rollback", action="store_true", help="serve the bundle before the served one, and stop")
    parser.add_argument("--unlock", action="store_true", help="free the slots that killed runs hold, and stop")
    return parser


if __name__ == "__main__":
    sys.exit(main())
