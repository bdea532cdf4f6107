"""Optional ranker features from TMDB's metadata. Off by default: TMDB's terms forbid training on its data."""

from pathlib import Path

import dagster as dg
import polars as pl

from movierec.bundles.versioned_folders import current_version
from movierec.features.tables import add_tmdb_features


class MissingMetadataError(RuntimeError):
    """The features are switched on, but no TMDB metadata is stored."""


class TmdbFeatures(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Reads the latest stored `tmdb_metadata`.

    It is a resource and not an input of an asset: without an API key `tmdb_metadata` is skipped, and Dagster would then
    skip every asset that depends on it.
    """

    store: str
    on: bool = False

    def add_features(self, movies: pl.LazyFrame, sample: str) -> pl.LazyFrame:
        """`movies` with the columns TMDB_FEATURES if switched on, else unchanged. Raises MissingMetadataError."""
        if not self.on:
            return movies
        home = Path(self.store, sample, "tmdb_metadata")
        version = current_version(home)
        if version is None:
            raise MissingMetadataError(
                f"MOVIEREC_TMDB_FEATURES is 1, but {home} holds no metadata of TMDB: "
                f"run `TMDB_API_KEY=… make metadata SAMPLE={sample}` first, or unset it"
            )
        return add_tmdb_features(movies, pl.scan_parquet(version / "movies.parquet"))
