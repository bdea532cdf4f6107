"""Cleans the raw tables, counts the rows that were dropped or changed, and joins the tables to one wide table."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from movierec.data import movielens as movie
from movierec.data.schema import LINKS, MOVIES, RATINGS, TAGS, conform_to_schema


@dataclass(frozen=True)
class CleanedTable:
    """A cleaned table, and `counts`: rows read, rows kept, and rows dropped or changed by each rule."""

    frame: pl.LazyFrame
    counts: dict[str, int]


def drop_users(rows: pl.LazyFrame, user_ids: Collection[int]) -> pl.LazyFrame:
    """The rows of all other users; a table without users as it is."""
    if not user_ids or "user_id" not in rows.collect_schema():
        return rows
    return rows.filter(~pl.col("user_id").is_in(sorted(user_ids)))


def clean_movies(raw: pl.LazyFrame) -> CleanedTable:
    """One row per movie, ordered by movie_id; of rows with the same id the first is kept.

    A movie without a title is called "Movie 7" by its id. Adds `display_title`, `year` and `genres` as a list.
    """
    rows = raw.collect(engine="streaming")
    kept = rows.unique("movie_id", keep="first", maintain_order=True).sort("movie_id")
    untitled = pl.col("title").fill_null("").str.strip_chars() == ""
    named = kept.lazy().with_columns(title=pl.when(untitled).then(pl.format("Movie {}", "movie_id")).otherwise("title"))
    parsed = named.with_columns(
        display_title=movie.parse_display_title(pl.col("title")),
        year=movie.parse_year(pl.col("title")),
        genres=movie.parse_genres(pl.col("genres")),
    )
    return CleanedTable(
        frame=conform_to_schema("movies", parsed, MOVIES),
        counts={
            "rows_read": rows.height,
            "duplicate_movies_dropped": rows.height - kept.height,
            "untitled_movies_named": kept.filter(untitled).height,
            "rows_kept": kept.height,
        },
    )


def clean_ratings(raw: pl.LazyFrame, movies: pl.LazyFrame) -> CleanedTable:
    """Ratings of movies that are in `movies`, one per user and movie, ordered by user_id, rated_at and movie_id.

    Of several ratings of a user for a movie the latest is kept; of two with the same time the one further down in the
    file.
    """
    known, counts = _keep_known_movies(raw, movies)
    kept = _keep_latest_rows(known, by=["user_id", "movie_id"], at="rated_at")
    counts |= {"duplicate_ratings_dropped": known.height - kept.height, "rows_kept": kept.height}
    ordered = kept.sort("user_id", "rated_at", "movie_id")
    return CleanedTable(conform_to_schema("ratings", ordered.lazy(), RATINGS), counts)


def clean_tags(raw: pl.LazyFrame, movies: pl.LazyFrame) -> CleanedTable:
    """Tags on movies that are in `movies`, ordered by user_id and tagged_at.

    Of the same tag by the same user on the same movie only the latest is kept.
    """
    known, counts = _keep_known_movies(raw, movies)
    kept = _keep_latest_rows(known, by=["user_id", "movie_id", "tag"], at="tagged_at")
    counts |= {"duplicate_tags_dropped": known.height - kept.height, "rows_kept": kept.height}
    ordered = kept.sort("user_id", "tagged_at", "movie_id", "tag")
    return CleanedTable(conform_to_schema("tags", ordered.lazy(), TAGS), counts)


def clean_links(raw: pl.LazyFrame, movies: pl.LazyFrame) -> CleanedTable:
    """At most one row per movie of `movies`, the first, ordered by movie_id. Movies without links have no row."""
    known, counts = _keep_known_movies(raw, movies)
    kept = known.unique("movie_id", keep="first", maintain_order=True)
    counts |= {"duplicate_links_dropped": known.height - kept.height, "rows_kept": kept.height}
    return CleanedTable(conform_to_schema("links", kept.sort("movie_id").lazy(), LINKS), counts)


def standardize_ratings(ratings: pl.LazyFrame) -> pl.LazyFrame:
    """Adds `standardized_rating`: (rating - the user's mean) / the user's standard deviation.

    The deviation divides by n, not by n - 1. The value is 0.0 for users whose ratings are all equal, including those
    with one rating.
    """
    rating = pl.col("rating").cast(pl.Float64)
    spread = ratings.group_by("user_id").agg(
        mean=rating.mean(),
        deviation=pl.when(rating.min() < rating.max()).then(rating.std(ddof=0)),
    )
    z = ((rating - pl.col("mean")) / pl.col("deviation")).fill_null(0.0).cast(pl.Float32)
    return (
        ratings.join(spread, on="user_id", how="left", maintain_order="left")
        .with_columns(standardized_rating=z)
        .drop("mean", "deviation")
    )


def _keep_known_movies(raw: pl.LazyFrame, movies: pl.LazyFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows of `raw` whose movie is in `movies`, in their order, and the counts of rows read and dropped."""
    rows = raw.collect(engine="streaming")
    ids = movies.select(pl.col("movie_id").unique().implode()).collect().to_series()
    known = rows.filter(pl.col("movie_id").is_in(ids))
    return known, {"rows_read": rows.height, "unknown_movies_dropped": rows.height - known.height}


def _keep_latest_rows(rows: pl.DataFrame, *, by: list[str], at: str) -> pl.DataFrame:
    """The latest row of each group, by column `at`; of equal times the last.

    Sorting and comparing with the next row takes a third of the memory of unique().
    """
    ordered = rows.sort(*by, at, maintain_order=True)
    is_last = pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift(-1)) for key in by)
    return ordered.filter(is_last)


def join_tables(ratings: pl.LazyFrame, movies: pl.LazyFrame, tags: pl.LazyFrame, links: pl.LazyFrame) -> pl.LazyFrame:
    """One row per rating, in no fixed order: the movie's columns, the user's `tags` on that movie, `imdb_id`,
    `tmdb_id`.

    `tags` is a list in the order of time, empty where there are none; tags on movies that the user has not rated are
    left out. Columns of an unknown movie are null.
    """
    own_tags = tags.group_by("user_id", "movie_id").agg(tags=pl.col("tag").sort_by("tagged_at", "tag"))
    return (
        ratings.join(movies, on="movie_id", how="left")
        .join(own_tags, on=["user_id", "movie_id"], how="left")
        .with_columns(pl.col("tags").fill_null([]))
        .join(links, on="movie_id", how="left")
    )
