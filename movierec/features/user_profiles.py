"""What a user's ratings say of their taste: the sums from which the pair features are computed."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.interactions import UNKNOWN, Ids, Interactions, Rows, Scores, positions
from movierec.features.definitions import GENRE_FEATURES, MEASURES, USER_DEFINITIONS, WINDOWS
from movierec.features.inputs import UserRatings, name_columns
from movierec.features.names import MOVIE_FEATURES

SHRINKAGE = 5.0  # ratings of a genre that weigh as much as knowing nothing about it


class Profiles(NamedTuple):
    """What is known of users: a row each of USER_FEATURES, the last rating's time in years, and the others by name."""

    user_ids: Ids
    users: Scores
    user_times: Scores
    shares: Scores
    likings: Scores
    usual: Scores


def _profiles(people: Interactions, movie_ids: Ids, movies: Scores) -> Profiles:
    """Of each of `people`, who have a rating each; `movies` is a row of MOVIE_FEATURES for each of `movie_ids`.

    Sums are in double precision and in the order of the ratings. A movie without a row raises KeyError.
    """
    ratings = UserRatings(people)
    rated = movies[_known("movie", movie_ids, people.movie_ids[people.user_items.indices])].astype(np.float64)
    genres = rated[:, _GENRES_AT]
    of_genre = ratings.sum_by_user(genres)
    movie_columns = name_columns(MOVIE_FEATURES, rated)
    measures = np.column_stack([measure.formula(movie_columns) for measure in MEASURES])
    there = ~np.isnan(measures)
    usual = []
    for window in WINDOWS:
        counted = there & (people.recency <= window.n_ratings)[:, None]
        known = ratings.sum_by_user(counted.astype(np.float64))
        sums = ratings.sum_by_user(np.where(counted, measures, 0))
        usual.append(np.where(known > 0, sums / np.maximum(known, 1), np.nan))
    arrays = (
        np.column_stack([feature.formula(ratings) for feature in USER_DEFINITIONS]),
        1970 + ratings.last_day / 365.25,
        of_genre / ratings.count[:, None],
        ratings.sum_by_user(genres * ratings.centred[:, None]) / (of_genre + SHRINKAGE),
        np.column_stack(usual),
    )
    return Profiles(people.user_ids, *(array.astype(np.float32) for array in arrays))


def _matrix(table: pl.DataFrame, columns: tuple[str, ...]) -> Scores:
    return np.ascontiguousarray(table.select(columns).to_numpy().astype(np.float32))


_GENRES_AT = slice(MOVIE_FEATURES.index(next(iter(GENRE_FEATURES))), MOVIE_FEATURES.index("genre_none"))


def _known(kind: str, ids: Ids, wanted: npt.NDArray[np.int32]) -> Rows:
    rows = positions(ids, wanted)
    if (rows == UNKNOWN).any():
        missing = np.unique(wanted[rows == UNKNOWN])[:5].tolist()
        raise KeyError(f"no features for {kind} {missing}: features and candidates are of different cuts")
    return rows
