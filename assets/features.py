"""Features: what is known of users and movies at each cut. Nothing in a row is later than its cut."""

import dagster as dg
import polars as pl

from assets.partitions import samples
from assets.protocols import PROTOCOLS, Protocol
from movierec import features
from movierec.splits import CUTS, known_at
from resources.tmdb_features import TmdbFeatures

OWNERS = ["team:ml"]
PARQUET = {"polars", "parquet"}
TABLES = {
    "user_features": (
        features.user_features,
        "A row per cut (`as_of`) and user: how much, how high, how long they rate, and their taste in genres.",
    ),
    "movie_features": (
        features.movie_features,
        "A row per cut (`as_of`) and movie: ratings received, year, age, decade, title length, genres.",
    ),
}


def _feature_table(name: str, protocol: Protocol) -> dg.AssetsDefinition:
    make, told = TABLES[name]

    @dg.asset(
        key=protocol.key(name),
        description=told,
        ins=protocol.inputs(["split"]),
        partitions_def=samples,
        group_name=protocol.group("features"),
        kinds=PARQUET,
        owners=OWNERS,
    )
    def table(
        context: dg.AssetExecutionContext, split: pl.LazyFrame, movies: pl.LazyFrame, tmdb_features: TmdbFeatures
    ) -> pl.LazyFrame:
        if name == "movie_features":
            movies = tmdb_features.beside(movies, context.partition_key)
        return pl.concat([make(known_at(split, cut), movies).with_columns(as_of=pl.lit(cut)) for cut in CUTS])

    return table


feature_tables = [_feature_table(name, protocol) for protocol in PROTOCOLS for name in TABLES]


def features_at(cut: str, users: pl.LazyFrame, movies: pl.LazyFrame) -> features.Features:
    """The rows of one cut of both tables, as the ranker reads them."""
    return features.Features.of(*(table.filter(pl.col("as_of") == cut).collect() for table in (users, movies)))
