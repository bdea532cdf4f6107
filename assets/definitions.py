"""The code location: every asset, check, job and schedule, and the outside world they are given."""

import dagster as dg

from assets import (
    candidates,
    catalog,
    checks,
    clusters,
    diversity,
    evaluation,
    exports,
    features,
    leaderboard,
    prepared,
    published,
    ranking,
    raw,
    schedules,
    tmdb,
    tuning,
)
from resources.bundle_stores import BundleStore, CompanionStore
from resources.exports.relational import RelationalHome
from resources.io_managers import ModelIO, ParquetIO
from resources.mlflow_tracking import Tracking
from resources.optuna_studies import Studies
from resources.progress_logger import progress
from resources.settings import Settings
from resources.sources.resource import MovieLens
from resources.tmdb.client import Tmdb
from resources.tmdb.ranker_features import TmdbFeatures

MODULES = (
    raw,
    prepared,
    tuning,
    features,
    candidates,
    ranking,
    evaluation,
    leaderboard,
    diversity,
    catalog,
    published,
    clusters,
    exports,
    tmdb,
)


def definitions(settings: Settings) -> dg.Definitions:
    """The graph for one home and one source."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules(MODULES),
        asset_checks=checks.checks,
        jobs=schedules.jobs,
        schedules=[schedules.nightly(settings)],
        resources={
            "io_manager": ParquetIO(root=str(settings.store)),
            "models": ModelIO(root=str(settings.store)),
            "metadata": ParquetIO(root=str(settings.metadata)),
            "tmdb": Tmdb(
                api=settings.tmdb_api,
                answers=str(settings.raw / "tmdb" / "answers.sqlite"),
                images=str(settings.posters),
                image_host=settings.tmdb_images,
            ),
            "tmdb_features": TmdbFeatures(store=str(settings.store), on=settings.tmdb_features),
            "movielens": MovieLens(source=settings.source, raw=str(settings.raw)),
            "tracking": Tracking(folder=str(settings.mlflow), dagster_url=f"http://127.0.0.1:{settings.dagster_port}"),
            "studies": Studies(folder=str(settings.home / "tuning"), reference=settings.reference),
            "bundles": BundleStore(root=str(settings.home / "published"), exports=str(settings.exports)),
            "companions": CompanionStore(root=str(settings.home / "companion")),
            "relational": RelationalHome(folder=str(settings.exports)),
        },
        loggers={"console": dg.colored_console_logger, "progress": progress},
        # A process per asset costs seconds each, and the heavy steps use every core anyway.
        executor=dg.in_process_executor,
    )


defs = definitions(Settings.from_environment())
