"""Prepared: tables that everything below trusts, and the split into history, labels and holdout."""

import dagster as dg
import polars as pl

from assets.protocols import PARQUET_KINDS, PROTOCOLS, EvaluationProtocol, sample_partitions
from movierec.data import cleaning
from movierec.data.cleaning import join_tables
from resources import plots

OWNERS = ["team:data"]


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def movies(context: dg.AssetExecutionContext, raw_movies: pl.LazyFrame) -> pl.LazyFrame:
    """One row per movie: title, display title ("The Matrix"), year, genres as a list."""
    cleaned = cleaning.clean_movies(raw_movies)
    context.add_output_metadata(cleaned.counts)
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def ratings(context: dg.AssetExecutionContext, raw_ratings: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """One row per user and movie, the latest rating, of known movies only; ordered by user and time."""
    cleaned = cleaning.clean_ratings(raw_ratings, movies)
    by_star = cleaned.frame.group_by("rating").len().sort("rating").collect()
    stars = [f"{star:g}" for star in by_star["rating"]]
    context.add_output_metadata(
        cleaned.counts | {"histogram": plots.plot_columns(stars, by_star["len"].to_list(), title="Ratings by stars")}
    )
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def tags(context: dg.AssetExecutionContext, raw_tags: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """What users wrote on known movies, each tag of a user on a movie once."""
    cleaned = cleaning.clean_tags(raw_tags, movies)
    context.add_output_metadata(cleaned.counts)
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def links(context: dg.AssetExecutionContext, raw_links: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """IMDb and TMDB ids of known movies."""
    cleaned = cleaning.clean_links(raw_links, movies)
    context.add_output_metadata(cleaned.counts)
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def joined(ratings: pl.LazyFrame, movies: pl.LazyFrame, tags: pl.LazyFrame, links: pl.LazyFrame) -> pl.LazyFrame:
    """The wide table: one row per rating with the movie's columns, the user's tags on it, and its links."""
    return join_tables(ratings, movies, tags, links)


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def standardized_ratings(ratings: pl.LazyFrame) -> pl.LazyFrame:
    """Ratings as z-scores of their user: how far above or below the user's mean, in the user's spread."""
    return cleaning.standardize_ratings(ratings)


def _build_split_asset(protocol: EvaluationProtocol) -> dg.AssetsDefinition:
    @protocol.asset(
        "split",
        group="prepared",
        description="Ratings with `part`: history (candidates learn), labels (the ranker learns), holdout (both are "
        f"measured): {protocol.description}.",
        owners=OWNERS,
    )
    def split(context: dg.AssetExecutionContext, ratings: pl.LazyFrame) -> pl.LazyFrame:
        parts = protocol.split_ratings(ratings).collect(engine="streaming")
        context.add_output_metadata(dict(parts.group_by("part").len().sort("part").iter_rows()))
        if not protocol.can_measure(parts.lazy()):
            context.log.warning(f"no two moments cut these ratings in three: nothing is measured by {protocol.name}")
        return parts.lazy()

    return split


splits = [_build_split_asset(protocol) for protocol in PROTOCOLS]
