"""The feature tables of users and movies at a cut."""

from collections.abc import Container

import numpy as np
import polars as pl

from movierec.data.interactions import Interactions
from movierec.features.definitions import LISTED_MOVIE_DEFINITIONS, RATED_MOVIE_DEFINITIONS, TMDB_DEFINITIONS
from movierec.features.names import (
    LIKING_FEATURES,
    MOVIE_FEATURES,
    MOVIE_TIME_COLUMN,
    SHARE_FEATURES,
    TMDB_FEATURES,
    USER_FEATURES,
    USER_TIME_COLUMN,
    USUAL_FEATURES,
)
from movierec.features.user_profiles import _compute_user_profiles, _to_matrix

USERS_AT_ONCE = 2_000


def compute_user_features(interactions: Interactions, movies: pl.DataFrame) -> pl.DataFrame:
    """One row per user of `interactions`: USER_FEATURES, the time of the last rating, SHARE_FEATURES, LIKING_FEATURES,
    USUAL_FEATURES.

    `movies` is the table of `compute_movie_features` from the same ratings; KeyError for a rated movie without a row.

    user_rating_std is 0 for one rating. user_rating_velocity: ratings per day between first and last rating, both days
    counted.
    share_*: share of the user's ratings that fall on the genre.
    liking_*: mean of (rating - the user's mean) over the genre, shrunk towards 0 as by GENRE_SHRINKAGE further ratings
    of 0.
    usual_*: mean of each of MEASURES over the movies that the user rated, in each of WINDOWS; null if it is known of
    none of them.
    """
    movies = movies.sort("movie_id")
    movie_ids, matrix = movies["movie_id"].to_numpy(), _to_matrix(movies, MOVIE_FEATURES)
    rows = np.arange(len(interactions.user_ids))
    blocks = np.split(rows, range(USERS_AT_ONCE, len(rows), USERS_AT_ONCE))
    parts = [_compute_user_profiles(interactions.select_users(block), movie_ids, matrix) for block in blocks]
    user_ids, *arrays = (np.concatenate(each) for each in zip(*parts, strict=True))
    columns = (*USER_FEATURES, USER_TIME_COLUMN, *SHARE_FEATURES, *LIKING_FEATURES, *USUAL_FEATURES)
    table = pl.DataFrame(np.column_stack(arrays), schema=columns, orient="row", nan_to_null=True)
    return table.insert_column(0, pl.Series("user_id", user_ids))


def add_tmdb_features(movies: pl.LazyFrame, tmdb_movies: pl.LazyFrame) -> pl.LazyFrame:
    """Adds TMDB_FEATURES to `movies`, from the table `movies` of TMDB's metadata; null where TMDB has no value."""
    facts = tmdb_movies.select("movie_id", *(feature.formula.alias(feature.name) for feature in TMDB_DEFINITIONS))
    return movies.join(facts, on="movie_id", how="left")


def compute_movie_features(ratings: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """One row per movie of the catalogue, ordered by movie_id: MOVIE_FEATURES, TMDB_FEATURES if `movies` has them,
    `mean_rated`.

    All columns but `movie_id` are float32. Movies without ratings get the mean of all ratings, and 0 for spread, counts
    and popularity. `movie_age` counts to the year of the last rating in `ratings`, so nothing depends on today's date.
    Year, age and decade are null where the title has no year.
    """
    ratings = ratings.with_columns(_as_float64("rating"))
    aggregates = ratings.group_by("movie_id").agg(
        *(feature.formula.alias(feature.name) for feature in RATED_MOVIE_DEFINITIONS),
        _convert_to_years(pl.col("rated_at").mean()).alias(MOVIE_TIME_COLUMN),
    )
    overall = ratings.select(
        overall_mean=pl.col("rating").mean(), last_year=pl.col("rated_at").max().dt.year().cast(pl.Int32)
    )
    columns = (*MOVIE_FEATURES, *_list_tmdb_columns(movies.collect_schema()), MOVIE_TIME_COLUMN)
    return (
        movies.join(aggregates, on="movie_id", how="left")
        .join(overall, how="cross")
        .with_columns(
            *(pl.col(feature.name).fill_null(feature.unrated) for feature in RATED_MOVIE_DEFINITIONS),
            *(feature.formula.alias(feature.name) for feature in LISTED_MOVIE_DEFINITIONS),
        )
        .select("movie_id", *(pl.col(column).cast(pl.Float32) for column in columns))
        .sort("movie_id")
    )


def _list_tmdb_columns(columns: Container[str]) -> tuple[str, ...]:
    return tuple(name for name in TMDB_FEATURES if name in columns)


def _as_float64(column: str) -> pl.Expr:
    """The column as float64, where sums of half stars are exact and do not depend on the order of threads."""
    return pl.col(column).cast(pl.Float64)


def _convert_to_years(time: pl.Expr) -> pl.Expr:
    return time.dt.epoch("s") / (365.25 * 86_400) + 1970
