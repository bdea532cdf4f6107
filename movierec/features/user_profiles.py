"""What a user's ratings say of their taste: the sums from which the pair features are computed."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.interactions import UNKNOWN, Ids, Interactions, Rows, Scores, positions
from movierec.features.names import GENRE_FEATURES, MOVIE_FEATURES

SHRINKAGE = 5.0  # ratings of a genre that weigh as much as knowing nothing about it
LATELY = 20  # ratings


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
    matrix = people.user_items
    starts = matrix.indptr[:-1]
    count = np.diff(matrix.indptr).astype(np.float64)
    ratings = matrix.data.astype(np.float64)
    whose = np.repeat(np.arange(len(count)), np.diff(matrix.indptr))

    def total(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        sums: npt.NDArray[np.float64] = np.add.reduceat(values, starts, axis=0)
        return sums

    mean = total(ratings) / count
    centred = ratings - mean[whose]
    first, last = (ufunc.reduceat(people.rated_on, starts).astype(np.float64) for ufunc in (np.minimum, np.maximum))
    lowest, highest = (ufunc.reduceat(ratings, starts) for ufunc in (np.minimum, np.maximum))
    spread = np.sqrt(total(centred**2) / np.maximum(count - 1, 1))
    users = (mean, spread, count, lowest, highest, last - first, count / (last - first + 1))

    rated = movies[_known("movie", movie_ids, people.movie_ids[matrix.indices])].astype(np.float64)
    genres = rated[:, _GENRES_AT]
    of_genre = total(genres)
    measures = _measures(rated)
    there = ~np.isnan(measures)
    usual = []
    for counted in (there, there & (people.recency <= LATELY)[:, None]):
        known = total(counted.astype(np.float64))
        usual.append(np.where(known > 0, total(np.where(counted, measures, 0)) / np.maximum(known, 1), np.nan))
    arrays = (
        np.column_stack(users),
        1970 + last / 365.25,
        of_genre / count[:, None],
        total(genres * centred[:, None]) / (of_genre + SHRINKAGE),
        np.column_stack(usual),
    )
    return Profiles(people.user_ids, *(array.astype(np.float32) for array in arrays))


def _measures(movies: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Of rows of MOVIE_FEATURES what USUAL_FEATURES are means of."""
    n_ratings, year, rating = (
        movies[:, MOVIE_FEATURES.index(name)] for name in ("movie_num_ratings", "year", "movie_avg_rating")
    )
    return np.column_stack([np.log1p(n_ratings), year, rating])


def _matrix(table: pl.DataFrame, columns: tuple[str, ...]) -> Scores:
    return np.ascontiguousarray(table.select(columns).to_numpy().astype(np.float32))


_GENRES_AT = slice(MOVIE_FEATURES.index(next(iter(GENRE_FEATURES))), MOVIE_FEATURES.index("genre_none"))


def _known(kind: str, ids: Ids, wanted: npt.NDArray[np.int32]) -> Rows:
    rows = positions(ids, wanted)
    if (rows == UNKNOWN).any():
        missing = np.unique(wanted[rows == UNKNOWN])[:5].tolist()
        raise KeyError(f"no features for {kind} {missing}: features and candidates are of different cuts")
    return rows
