"""Prepared: cleaned tables that all later assets use, and the split into history, labels and holdout."""

import dagster as dg
import polars as pl

from assets.partitions import PARQUET_KINDS, sample_partitions
from movierec.data import cleaning
from movierec.data.cleaning import join_tables
from movierec.data.splitting import SPLIT_DESCRIPTION, split_by_user
from resources import plots

OWNERS = ["team:data"]


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def movies(context: dg.AssetExecutionContext, raw_movies: pl.LazyFrame) -> pl.LazyFrame:
    """Movies, one row each: `movie_id, title, display_title, year, genres`.

    From movies.csv. `title` is as in MovieLens ("Matrix, The (1999)"), `display_title` is "The Matrix"; `year` is null
    if the title has none; `genres` is a list.
    """
    cleaned = cleaning.clean_movies(raw_movies)
    context.add_output_metadata(cleaned.counts)
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def ratings(context: dg.AssetExecutionContext, raw_ratings: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """Ratings of known movies: `user_id, movie_id, rating, rated_at`, ordered by user and time.

    From ratings.csv; only the latest rating of a user for a movie is kept. rated_at is UTC.
    """
    cleaned = cleaning.clean_ratings(raw_ratings, movies)
    by_star = cleaned.frame.group_by("rating").len().sort("rating").collect()
    stars = [f"{star:g}" for star in by_star["rating"]]
    context.add_output_metadata(
        cleaned.counts | {"histogram": plots.plot_columns(stars, by_star["len"].to_list(), title="Ratings by stars")}
    )
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def tags(context: dg.AssetExecutionContext, raw_tags: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """Tags of known movies: `user_id, movie_id, tag, tagged_at`, ordered by user and time.

    From tags.csv; each tag of a user on a movie once, at its latest time.
    """
    cleaned = cleaning.clean_tags(raw_tags, movies)
    context.add_output_metadata(cleaned.counts)
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def links(context: dg.AssetExecutionContext, raw_links: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """Ids of known movies at IMDb and TMDB: `movie_id, imdb_id, tmdb_id`, at most one row per movie. From links.csv."""
    cleaned = cleaning.clean_links(raw_links, movies)
    context.add_output_metadata(cleaned.counts)
    return cleaned.frame


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def joined(ratings: pl.LazyFrame, movies: pl.LazyFrame, tags: pl.LazyFrame, links: pl.LazyFrame) -> pl.LazyFrame:
    """Ratings with all that is known of the movie: the columns of `ratings`, `movies` and `links`, and `tags`.

    One row per rating; `tags` is the list of this user's tags on the movie.
    """
    return join_tables(ratings, movies, tags, links)


@dg.asset(partitions_def=sample_partitions, group_name="prepared", kinds=PARQUET_KINDS, owners=OWNERS)
def standardized_ratings(ratings: pl.LazyFrame) -> pl.LazyFrame:
    """Ratings as z-scores per user: `user_id, movie_id, standardized_rating`.

    The z-score is (rating - the user's mean) / the user's standard deviation; 0 if all the user's ratings are equal.
    """
    return cleaning.standardize_ratings(ratings)


@dg.asset(
    partitions_def=sample_partitions,
    group_name="prepared",
    kinds=PARQUET_KINDS,
    owners=OWNERS,
    description="Ratings with `part`: history (candidates learn), labels (the ranker learns), holdout (both are "
    f"measured): {SPLIT_DESCRIPTION}.",
)
def split(context: dg.AssetExecutionContext, ratings: pl.LazyFrame) -> pl.LazyFrame:
    parts = split_by_user(ratings).collect(engine="streaming")
    context.add_output_metadata(dict(parts.group_by("part").len().sort("part").iter_rows()))
    return parts.lazy()
