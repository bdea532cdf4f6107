"""What the formulas of features read: the ratings of users, and pairs of a user and a movie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from movierec.data.interactions import Float32Array, Interactions

AnyFloat = TypeVar("AnyFloat", bound=np.floating)
Floats = npt.NDArray[np.floating]
Float64Array = npt.NDArray[np.float64]
MovieColumns = Mapping[str, Floats]  # the movie features by name, a value for each movie or pair


class UserRatings:
    """The ratings of users who have at least one each, and what they sum up to, in double precision.

    `stars` and `centred` (a rating minus its user's mean) have a value for each rating, in the order of the users.
    `count`, `mean`, `first_day` and `last_day` (days since 1970) have a value for each user.
    """

    def __init__(self, people: Interactions) -> None:
        self.starts = people.user_items.indptr[:-1]
        lengths = np.diff(people.user_items.indptr)
        self.count = lengths.astype(np.float64)
        self.stars = people.user_items.data.astype(np.float64)
        self.mean = self.sum_by_user(self.stars) / self.count
        self.centred = self.stars - np.repeat(self.mean, lengths)
        self.first_day = self.find_lowest_by_user(people.rated_on)
        self.last_day = self.find_highest_by_user(people.rated_on)

    def sum_by_user(self, values: Float64Array) -> Float64Array:
        """Sums over each user's ratings; `values` has a row for each rating."""
        sums: Float64Array = np.add.reduceat(values, self.starts, axis=0)
        return sums

    def find_lowest_by_user(self, values: npt.NDArray[np.generic]) -> Float64Array:
        """The lowest value among each user's ratings."""
        lowest: Float64Array = np.minimum.reduceat(values, self.starts).astype(np.float64)
        return lowest

    def find_highest_by_user(self, values: npt.NDArray[np.generic]) -> Float64Array:
        """The highest value among each user's ratings."""
        highest: Float64Array = np.maximum.reduceat(values, self.starts).astype(np.float64)
        return highest


@dataclass(frozen=True)
class Pairs:
    """Pairs of a user and a movie, the pairs of a user together, all in float32.

    `movie` holds the movie features by name, `genres` the genre flags of the movies (pairs x genres), `movie_time`
    when the movie was rated on average, `user_time` when the user rated last (both in years). `usual` holds by name
    what the movies that the user rates are like on average. These have a value for each pair. `shares` and
    `likings` (users x genres) have a row for each user.
    """

    movie: MovieColumns
    genres: Float32Array
    movie_time: Float32Array
    user_time: Float32Array
    usual: Mapping[str, Float32Array]
    shares: Float32Array
    likings: Float32Array

    def average_over_genres(self, of_users: Float32Array) -> Float32Array:
        """Mean of the user's values (users x genres) over the genres of the movie; 0 for a movie without genres."""
        n_movies = len(self.genres) // max(len(of_users), 1)
        n_genres = np.maximum(self.genres.sum(axis=1), 1)
        means: Float32Array = np.einsum("ij,ij->i", np.repeat(of_users, n_movies, axis=0), self.genres) / n_genres
        return means


def name_columns(names: Sequence[str], matrix: npt.NDArray[AnyFloat]) -> dict[str, npt.NDArray[AnyFloat]]:
    """The first columns of `matrix` by name."""
    return {name: matrix[:, at] for at, name in enumerate(names)}
