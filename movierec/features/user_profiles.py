"""What a user's ratings say of their taste: the sums from which the pair features are computed."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Indices, Interactions, index_of_ids
from movierec.features.definitions import GENRE_FEATURES, MEASURES, USER_DEFINITIONS, WINDOWS
from movierec.features.inputs import UserRatings, name_columns
from movierec.features.names import MOVIE_FEATURES

GENRE_SHRINKAGE = 5.0  # ratings: weight of the prior (liking 0) of a genre


class UserProfiles(NamedTuple):
    """Feature arrays of users, one row per user; `user_times` is the time of the last rating in years.

    Fields have the names of the arrays in Features that they replace.
    """

    user_ids: Ids
    users: Float32Array
    user_times: Float32Array
    shares: Float32Array
    likings: Float32Array
    usual: Float32Array


def _compute_user_profiles(interactions: Interactions, movie_ids: Ids, movies: Float32Array) -> UserProfiles:
    """The profiles of all users of `interactions`, each with at least one rating; `movies` is len(movie_ids) x
    MOVIE_FEATURES.

    Sums are in double precision and in the order of the ratings. Raises KeyError for a rated movie that is not in
    `movie_ids`.
    """
    ratings = UserRatings(interactions)
    rated = movies[_find_rows("movie", movie_ids, interactions.movie_ids[interactions.user_items.indices])].astype(
        np.float64
    )
    genres = rated[:, _GENRE_COLUMNS]
    of_genre = ratings.sum_by_user(genres)
    movie_columns = name_columns(MOVIE_FEATURES, rated)
    measures = np.column_stack([measure.formula(movie_columns) for measure in MEASURES])
    there = ~np.isnan(measures)
    usual = []
    for window in WINDOWS:
        counted = there & (interactions.recency <= window.n_ratings)[:, None]
        known = ratings.sum_by_user(counted.astype(np.float64))
        sums = ratings.sum_by_user(np.where(counted, measures, 0))
        usual.append(np.where(known > 0, sums / np.maximum(known, 1), np.nan))
    arrays = (
        np.column_stack([feature.formula(ratings) for feature in USER_DEFINITIONS]),
        1970 + ratings.last_day / 365.25,
        of_genre / ratings.count[:, None],
        ratings.sum_by_user(genres * ratings.centred[:, None]) / (of_genre + GENRE_SHRINKAGE),
        np.column_stack(usual),
    )
    return UserProfiles(interactions.user_ids, *(array.astype(np.float32) for array in arrays))


def _to_matrix(table: pl.DataFrame, columns: tuple[str, ...]) -> Float32Array:
    return np.ascontiguousarray(table.select(columns).to_numpy().astype(np.float32))


_GENRE_COLUMNS = slice(MOVIE_FEATURES.index(next(iter(GENRE_FEATURES))), MOVIE_FEATURES.index("genre_none"))


def _find_rows(kind: str, ids: Ids, wanted: npt.NDArray[np.int32]) -> Indices:
    """The row of each wanted id. Raises KeyError that lists up to five ids that are missing."""
    rows = index_of_ids(ids, wanted)
    if (rows == UNKNOWN).any():
        missing = np.unique(wanted[rows == UNKNOWN])[:5].tolist()
        raise KeyError(f"no features for {kind} {missing}: features and candidates are of different cuts")
    return rows
