"""Records fits in MLflow: one run per fitted model, found again by the name of its asset."""

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import asdict
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import dagster as dg

if TYPE_CHECKING:
    import polars as pl
    from mlflow import MlflowClient

PURGED_AT_ONCE = 1_000  # ids on one command line
MAX_RUNS_SEARCHED = 1_000  # runs of a sample: several times all that one run of the graph makes


class MlflowTracking(dg.ConfigurableResource):  # type: ignore[type-arg]
    """MLflow runs in a SQLite database under `folder`, tagged with Dagster run, asset and sample."""

    folder: str
    dagster_url: str
    mlflow_url: str = ""

    def record_fit(
        self,
        context: dg.AssetExecutionContext,
        experiment: str,
        model: Any,
        *,
        seconds: float,
        peak_mb: float = 0.0,
        with_files: bool = False,
        validation_metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Records a fitted model as an MLflow run and adds the run's id to the asset's metadata.

        `seconds` and `peak_mb` are the cost of the fit; `model.params` must be a dataclass. `validation_metrics` are
        logged as `val_<metric>`. With `with_files` the files that `model.save` writes become artifacts of the run.
        """
        asset = context.asset_key.to_user_string()
        experiment_id = self._get_or_create_experiment(experiment)
        run = self._client.create_run(
            experiment_id,
            run_name=f"{asset} {context.partition_key}",
            tags={
                "asset": asset,
                "sample": context.partition_key,
                "dagster.run_id": context.run_id,
                "dagster.url": f"{self.dagster_url}/runs/{context.run_id}",
            },
        )
        run_id = run.info.run_id
        values = {f"val_{metric}": value for metric, value in (validation_metrics or {}).items()}
        self._log_batch(run_id, {"fit_seconds": seconds, "fit_peak_mb": peak_mb} | values, asdict(model.params))
        if with_files:
            with tempfile.TemporaryDirectory() as folder:
                model.save(Path(folder))
                self._client.log_artifacts(run_id, folder)
        self._client.set_terminated(run_id)
        context.add_output_metadata(
            {"mlflow_run": self._link(experiment_id, run_id), "fit_seconds": seconds, "fit_peak_mb": peak_mb}
        )

    def record_metrics(self, asset: str, sample: str, metrics: Mapping[str, float]) -> None:
        """Adds `metrics` to the run of the asset's latest fit; does nothing if there is no such run."""
        run_id = self.find_latest_run_id(asset, sample)
        if run_id is not None:
            self._log_batch(run_id, metrics)

    def _log_batch(self, run_id: str, metrics: Mapping[str, float], params: Mapping[str, Any] | None = None) -> None:
        """Logs everything in one transaction; logging each metric separately would be one database write each."""
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, float(value), now, 0) for name, value in metrics.items()],
            params=[Param(name, str(value)) for name, value in (params or {}).items()],
        )

    def record_table(self, context: dg.AssetExecutionContext, experiment: str, table: "pl.DataFrame") -> None:
        """Records `table` as a run with the artifact `<asset>.csv`."""
        asset = context.asset_key.to_user_string()
        tags = {"asset": asset, "sample": context.partition_key, "dagster.run_id": context.run_id}
        experiment_id = self._get_or_create_experiment(experiment)
        run_id = self._client.create_run(experiment_id, run_name=asset, tags=tags).info.run_id
        self._client.log_text(run_id, table.write_csv(), f"{asset}.csv")
        self._client.set_terminated(run_id)
        context.add_output_metadata({"mlflow_run": self._link(experiment_id, run_id)})

    def _link(self, experiment_id: str, run_id: str) -> dg.MetadataValue[Any]:
        """The address of a run in the MLflow UI, which `make mlflow` starts."""
        return dg.MetadataValue.url(f"{self.mlflow_url}/#/experiments/{experiment_id}/runs/{run_id}")

    def set_challenger(self, sample: str, run_id: str, bundle: str) -> None:
        """Registers a version of the sample's model, made by `run_id` for the bundle, with the alias `challenger`."""
        name = get_registered_name(sample)
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name)
        source = self._client.get_run(run_id).info.artifact_uri
        version = self._client.create_model_version(name, source, run_id, tags={"bundle": bundle}).version
        self._client.set_registered_model_alias(name, "challenger", version)

    def set_champion(self, sample: str, bundle: str) -> bool:
        """Moves the alias `champion` to the version that belongs to the bundle. False if there is no such version."""
        name = get_registered_name(sample)
        found = self._client.search_model_versions(f"name = '{name}' and tags.bundle = '{bundle}'")
        if found:
            self._client.set_registered_model_alias(name, "champion", found[0].version)
        return bool(found)

    def delete_old_runs(self, *, before: datetime, kept_bundles: Set[str]) -> int:
        """Deletes the runs that began before then, their artifacts and their versions of registered models.

        The latest run of each asset and sample stays, and so do those whose registered version belongs to one of
        `kept_bundles` or has an alias. A run whose artifacts are outside `folder` stays too: MLflow records absolute
        paths, so in a copied folder they are those of the original. Gives the number of deleted runs.
        """
        kept, versions = set(), {}
        for version in self._iter_pages(self._client.search_model_versions):
            versions[version.run_id] = version
            if version.tags.get("bundle") in kept_bundles or version.aliases:
                kept.add(version.run_id)
        runs = self._list_own_runs("active_only")
        latest = {(run.data.tags.get("asset"), run.data.tags.get("sample")): run.info.run_id for run in reversed(runs)}
        kept |= set(latest.values())
        old = [run.info.run_id for run in runs if run.info.start_time < before.timestamp() * 1000]
        unneeded = [run_id for run_id in old if run_id not in kept]
        for run_id in unneeded:
            if run_id in versions:
                self._client.delete_model_version(versions[run_id].name, versions[run_id].version)
            self._client.delete_run(run_id)
        self._purge_deleted_runs()
        return len(unneeded)

    def _purge_deleted_runs(self) -> None:
        """Removes from the disk what MLflow has only marked as deleted, by us or in its UI."""
        uri, deleted = build_store_uri(self.folder), [run.info.run_id for run in self._list_own_runs("deleted_only")]
        for start in range(0, len(deleted), PURGED_AT_ONCE):
            ids = ",".join(deleted[start : start + PURGED_AT_ONCE])
            command = [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", uri, "--tracking-uri", uri]
            subprocess.run([*command, "--run-ids", ids], check=True, stdout=subprocess.DEVNULL)

    def _list_own_runs(self, view: str) -> list[Any]:
        """The runs of a view (active_only, deleted_only) whose artifacts are in `folder`, newest first."""
        from mlflow.entities import ViewType

        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        search = partial(
            self._client.search_runs,
            experiments,
            run_view_type=ViewType.from_string(view),
            order_by=["attributes.start_time DESC"],
        )
        folder = Path(self.folder).absolute()
        return [
            run
            for run in self._iter_pages(search)
            if Path(unquote(urlsplit(run.info.artifact_uri).path)).is_relative_to(folder)
        ]

    def _iter_pages(self, search: Callable[..., Any]) -> Iterator[Any]:
        """All that a search of MLflow finds, page by page."""
        token = None
        while True:
            page = search(page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def get_latest_metrics(self, sample: str) -> dict[str, dict[str, float]]:
        """The metrics of each asset's latest fit, by asset and metric."""
        return {asset: dict(run.data.metrics) for asset, run in self._find_latest_runs(sample).items()}

    def get_latest_run_ids(self, sample: str) -> dict[str, str]:
        """The MLflow run id of each asset's latest fit, by asset."""
        return {asset: str(run.info.run_id) for asset, run in self._find_latest_runs(sample).items()}

    def _find_latest_runs(self, sample: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for run in self._search_runs(f"tags.sample = '{sample}'", max_results=MAX_RUNS_SEARCHED):
            found.setdefault(run.data.tags.get("asset", ""), run)
        return found

    def find_latest_run_id(self, asset: str, sample: str) -> str | None:
        """The MLflow run id of the latest fit of `asset`; None if there is none."""
        found = self._search_runs(f"tags.asset = '{asset}' and tags.sample = '{sample}'", max_results=1)
        return str(found[0].info.run_id) if found else None

    def _search_runs(self, filter_string: str, *, max_results: int) -> list[Any]:
        """The runs of all experiments that match the filter, newest first."""
        experiments = [experiment.experiment_id for experiment in self._client.search_experiments()]
        order = ["attributes.start_time DESC"]
        return list(self._client.search_runs(experiments, filter_string, order_by=order, max_results=max_results))

    @cached_property
    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient  # two seconds and 200 MB, for the runs that fit models alone

        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        return MlflowClient(build_store_uri(self.folder))

    def _get_or_create_experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        artifacts = Path(self.folder, "artifacts").absolute().as_uri()
        return str(self._client.create_experiment(name, artifact_location=artifacts))


def get_registered_name(sample: str) -> str:
    """The name of the sample's model in the MLflow registry."""
    return f"two_stage_{sample}"


def build_store_uri(folder: str | Path) -> str:
    """The URI of the SQLite store in `folder`. MLflow 3 no longer accepts a file store."""
    return f"sqlite:///{Path(folder, 'mlflow.db').absolute()}"
