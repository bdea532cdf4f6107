"""The ranker's features of TMDB's stored metadata, off by default: TMDB's terms forbid training on it."""

from pathlib import Path

import dagster as dg
import polars as pl

from movierec.bundles.versioned_folders import current_version
from movierec.features.tables import add_tmdb_features


class MissingMetadataError(RuntimeError):
    """The features are switched on, and there is nothing to make them of."""


class TmdbFeatures(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Reads what `tmdb_metadata` stored last.

    No input of an asset: without a key that one is skipped, and Dagster would skip all that stands below it.
    """

    store: str
    on: bool = False

    def add_features(self, movies: pl.LazyFrame, sample: str) -> pl.LazyFrame:
        """`movies` with TMDB_FEATURES where they are switched on, else as they are."""
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
