"""User and movie features at a cut, and the matrix that the ranker reads: the same in training and in serving."""

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
    """One row per user of `people`: USER_FEATURES, when they last rated, SHARE_, LIKING_ and USUAL_FEATURES.

    `movies` is the table of `movie_features` of the same ratings. A spread of one rating is 0. Velocity is ratings per
    day of activity, the first day counted as one. `share_*`: the part of the user's ratings that fall on the genre.
    `liking_*`: mean of (rating - the user's mean) over the genre, shrunk towards 0 as by SHRINKAGE further ratings.
    `usual_*`: the mean of each of MEASURES over the movies that the user rated, in each of WINDOWS; null where it is
    known of none of them.
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
    """`movies` with TMDB_FEATURES, of the table `movies` of TMDB's metadata; null for what TMDB does not know."""
    facts = tmdb_movies.select("movie_id", *(feature.formula.alias(feature.name) for feature in TMDB_DEFINITIONS))
    return movies.join(facts, on="movie_id", how="left")


def compute_movie_features(ratings: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """One row per movie of the catalogue: MOVIE_FEATURES as known from `ratings`, and TMDB_FEATURES if `movies` has
    them.

    Filled by rule for movies nobody rated: the mean rating of all ratings, spread 0, counts and popularity 0.
    Age counts from the year of the last rating, so nothing depends on today. Year, age and decade are null
    where the title names no year.
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
    """In double precision, where sums of half stars do not depend on the order of the threads that add them."""
    return pl.col(column).cast(pl.Float64)


def _convert_to_years(time: pl.Expr) -> pl.Expr:
    return time.dt.epoch("s") / (365.25 * 86_400) + 1970
