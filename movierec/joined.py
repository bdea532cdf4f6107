"""Ratings, movies, tags and links as one wide table."""

import polars as pl


def joined(ratings: pl.LazyFrame, movies: pl.LazyFrame, tags: pl.LazyFrame, links: pl.LazyFrame) -> pl.LazyFrame:
    """One row per rating: the movie's columns, `tags` of that user on that movie, `imdb_id`, `tmdb_id`.

    `tags` holds the tags in the order they were given, and is empty where there are none; tags on
    movies the user has not rated are left out. Columns of an unknown movie are null. Rows come in no order.
    """
    own_tags = tags.group_by("user_id", "movie_id").agg(tags=pl.col("tag").sort_by("tagged_at", "tag"))
    return (
        ratings.join(movies, on="movie_id", how="left")
        .join(own_tags, on=["user_id", "movie_id"], how="left")
        .with_columns(pl.col("tags").fill_null([]))
        .join(links, on="movie_id", how="left")
    )
