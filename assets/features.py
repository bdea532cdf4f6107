"""Features: what is known of users and movies at each cut. Nothing in a row is later than its cut."""

import dagster as dg
import polars as pl

from assets.partitions import samples
from movierec import features
from movierec.splits import CUTS, known_at

OWNERS = ["team:ml"]
PARQUET = {"polars", "parquet"}


@dg.asset(partitions_def=samples, group_name="features", kinds=PARQUET, owners=OWNERS)
def user_features(split: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """A row per cut (`as_of`) and user: how much, how high, how long they rate, and their taste in genres."""
    return pl.concat(
        [features.user_features(known_at(split, cut), movies).with_columns(as_of=pl.lit(cut)) for cut in CUTS]
    )


@dg.asset(partitions_def=samples, group_name="features", kinds=PARQUET, owners=OWNERS)
def movie_features(split: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """A row per cut (`as_of`) and movie: ratings received, year, age, decade, title length, genres."""
    return pl.concat(
        [features.movie_features(known_at(split, cut), movies).with_columns(as_of=pl.lit(cut)) for cut in CUTS]
    )


def features_at(cut: str, users: pl.LazyFrame, movies: pl.LazyFrame) -> features.Features:
    """The rows of one cut of both tables, as the ranker reads them."""
    return features.Features.of(*(table.filter(pl.col("as_of") == cut).collect() for table in (users, movies)))
