"""The code location: every asset, check, job and schedule, and the resources they use."""

import warnings
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, cast

import dagster as dg

import assets
from assets import checks
from assets.automation.freshness import apply_policies
from assets.automation.jobs import jobs
from assets.automation.schedules import build_schedules
from assets.automation.sensors import build_sensors
from movierec.settings import Settings
from resources.bundle_stores import BundleStore, CompanionStore
from resources.exports.relational import RelationalStore
from resources.io_managers import ModelIOManager, ParquetIOManager
from resources.mlflow_tracking import MlflowTracking
from resources.optuna_studies import OptunaStudies
from resources.progress_logger import build_progress_logger
from resources.retention import Retention
from resources.run_workers import locking_executor
from resources.sources.resource import MovieLens
from resources.tmdb.client import TmdbResource
from resources.tmdb.ranker_features import TmdbFeatures


def import_asset_modules() -> list[ModuleType]:
    """Every module of this folder but this one; the command lines below it define no assets."""
    names = [module.name for module in iter_modules(assets.__path__) if not module.ispkg]
    return [import_module(f"assets.{name}") for name in names if f"assets.{name}" != __name__]


def load_assets() -> Sequence[Any]:
    """Every asset with its policies, and with a link to the file and line that define it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of code references
        loaded = dg.with_source_code_references(dg.load_assets_from_modules(import_asset_modules()))
    return dg.map_asset_specs(apply_policies, cast("Sequence[dg.AssetsDefinition]", loaded))


def build_definitions(settings: Settings) -> dg.Definitions:
    """The whole graph for these settings."""
    layout = settings.layout
    return dg.Definitions(
        assets=load_assets(),
        asset_checks=checks.checks,
        jobs=jobs,
        schedules=build_schedules(settings),
        sensors=build_sensors(settings),
        resources={
            "io_manager": ParquetIOManager(root=str(layout.store)),
            "models": ModelIOManager(root=str(layout.store)),
            "metadata": ParquetIOManager(root=str(layout.metadata)),
            "tmdb": TmdbResource(
                api=settings.tmdb_api,
                answers=str(layout.tmdb_answers),
                images=str(layout.fetched_posters),
                image_host=settings.tmdb_images,
            ),
            "tmdb_features": TmdbFeatures(store=str(layout.store), on=settings.tmdb_features),
            "movielens": MovieLens(source=settings.source, raw=str(layout.raw), forgotten=str(layout.forgotten_users)),
            "tracking": MlflowTracking(
                folder=str(layout.mlflow),
                dagster_url=f"http://127.0.0.1:{settings.dagster_port}",
                mlflow_url=f"http://127.0.0.1:{settings.mlflow_port}",
            ),
            "studies": OptunaStudies(folder=str(layout.tuning), reference=settings.reference),
            "bundles": BundleStore(root=str(layout.published), exports=str(layout.exports), keep=settings.keep_bundles),
            "companions": CompanionStore(root=str(layout.companion), keep=settings.keep_bundles),
            "relational": RelationalStore(folder=str(layout.exports)),
            "retention_rules": Retention(home=str(settings.home), keep_days=settings.keep_days),
        },
        loggers={"console": dg.colored_console_logger, "progress": build_progress_logger},
        # A process per asset costs seconds each, and the heavy steps use every core anyway.
        executor=locking_executor,
    )


defs = build_definitions(Settings.from_environment())
