"""The features of users and movies as arrays, and the matrix of (user, movie) pairs that the ranker reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.array_files import load_mapped_array
from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Interactions, index_of_ids
from movierec.features.definitions import GENRE_FEATURES, PAIR_DEFINITIONS
from movierec.features.inputs import Pairs, name_columns
from movierec.features.names import (
    LIKING_FEATURES,
    MOVIE_FEATURES,
    MOVIE_TIME_COLUMN,
    PAIR_FEATURES,
    SHARE_FEATURES,
    USER_FEATURES,
    USER_TIME_COLUMN,
    USUAL_FEATURES,
)
from movierec.features.tables import _list_tmdb_columns, compute_movie_features, compute_user_features
from movierec.features.user_profiles import _GENRE_COLUMNS, _compute_user_profiles, _find_rows, _to_matrix


@dataclass(frozen=True)
class Features:
    """The feature tables of one cut as float32 arrays, rows in ascending order of id.

    `users` is users x USER_FEATURES, `shares` and `likings` users x genres, `usual` users x USUAL_FEATURES, `movies`
    movies x (MOVIE_FEATURES and `tmdb_feature_names`). `user_times` is the last rating of each user, `movie_times` the
    mean time of a movie's ratings, both in years. `tmdb_feature_names` are those of TMDB_FEATURES that are present.
    """

    user_ids: Ids
    movie_ids: Ids
    users: Float32Array
    user_times: Float32Array
    shares: Float32Array
    likings: Float32Array
    usual: Float32Array
    movies: Float32Array
    movie_times: Float32Array
    tmdb_feature_names: tuple[str, ...] = ()

    @classmethod
    def from_tables(cls, users: pl.DataFrame, movies: pl.DataFrame) -> Self:
        """From the tables of `compute_user_features` and `compute_movie_features` of the same cut."""
        users, movies = users.sort("user_id"), movies.sort("movie_id")
        tmdb_feature_names = _list_tmdb_columns(movies.columns)
        return cls(
            user_ids=users["user_id"].to_numpy(),
            users=_to_matrix(users, USER_FEATURES),
            user_times=users[USER_TIME_COLUMN].to_numpy(),
            shares=_to_matrix(users, SHARE_FEATURES),
            likings=_to_matrix(users, LIKING_FEATURES),
            usual=_to_matrix(users, USUAL_FEATURES),
            movie_ids=movies["movie_id"].to_numpy(),
            movies=_to_matrix(movies, (*MOVIE_FEATURES, *tmdb_feature_names)),
            movie_times=movies[MOVIE_TIME_COLUMN].to_numpy(),
            tmdb_feature_names=tmdb_feature_names,
        )

    @classmethod
    def from_ratings(cls, ratings: pl.LazyFrame, movies: pl.LazyFrame) -> Self:
        """Computes the features from the ratings known at a cut."""
        rated = compute_movie_features(ratings, movies).collect()
        return cls.from_tables(compute_user_features(Interactions.from_ratings(ratings), rated), rated)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of `build_matrix`, in order: BASE_FEATURES, with the TMDB features after the movie's."""
        return (*USER_FEATURES, *MOVIE_FEATURES, *self.tmdb_feature_names, *PAIR_FEATURES)

    def fold_in(self, interactions: Interactions) -> Self:
        """Features for the users of `interactions` instead, computed from these ratings alone; the movies stay.

        Every user needs at least one rating. Raises KeyError for a rated movie that has no features.
        """
        return replace(self, **_compute_user_profiles(interactions, self.movie_ids, self.movies)._asdict())

    def build_matrix(self, user_ids: npt.ArrayLike, movie_ids: npt.NDArray[np.int32]) -> Float32Array:
        """The feature matrix of candidates: (users * n) x len(feature_names), float32, user after user.

        `movie_ids` is users x n, the candidates of each of `user_ids`. Raises KeyError if a user or a movie has no
        features.
        """
        n = movie_ids.shape[1]
        user_rows = _find_rows("user", self.user_ids, np.asarray(user_ids))
        movie_rows = _find_rows("movie", self.movie_ids, movie_ids.ravel())
        movies = self.movies[movie_rows]
        pairs = Pairs(
            movie=name_columns(MOVIE_FEATURES, movies),
            genres=movies[:, _GENRE_COLUMNS],
            movie_time=self.movie_times[movie_rows],
            user_time=np.repeat(self.user_times[user_rows], n),
            usual=name_columns(USUAL_FEATURES, np.repeat(self.usual[user_rows], n, axis=0)),
            shares=self.shares[user_rows],
            likings=self.likings[user_rows],
        )
        crosses = [feature.formula(pairs) for feature in PAIR_DEFINITIONS]
        columns = [np.repeat(self.users[user_rows], n, axis=0), movies, *crosses]
        return np.column_stack(columns).astype(np.float32, copy=False)

    def get_genre_vectors(self, movie_ids: npt.NDArray[np.int32]) -> Float32Array:
        """The genres of each movie as a vector of length 1 (0 without genres): shape of `movie_ids` x genres, float32.

        Raises KeyError for a movie without features.
        """
        flags = self.movies[:, _GENRE_COLUMNS][_find_rows("movie", self.movie_ids, movie_ids.ravel())]
        lengths = np.sqrt(flags.sum(axis=1, keepdims=True))
        vectors: Float32Array = (flags / np.maximum(lengths, 1)).reshape(*movie_ids.shape, -1)
        return vectors

    def has_any_genre(self, movie_ids: Ids, genres: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether each of `movie_ids` has any of `genres`; false for unknown movies and unknown genres."""
        rows = index_of_ids(self.movie_ids, movie_ids)
        at = [place for place, genre in enumerate(GENRE_FEATURES.values()) if genre in genres]
        has: npt.NDArray[np.bool_] = self.movies[:, _GENRE_COLUMNS][:, at][rows].any(axis=1) & (rows != UNKNOWN)
        return has

    def save(self, folder: Path) -> None:
        """Writes one .npy file per array, and `extra.json` with the names of the TMDB features if there are any."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAY_NAMES:
            np.save(folder / f"{name}.npy", getattr(self, name))
        if self.tmdb_feature_names:
            (folder / "extra.json").write_text(json.dumps(self.tmdb_feature_names))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; arrays are mapped read-only."""
        extra = folder / "extra.json"
        names = json.loads(extra.read_text()) if extra.exists() else ()
        arrays = {name: load_mapped_array(folder / f"{name}.npy") for name in _ARRAY_NAMES}
        return cls(**arrays, tmdb_feature_names=tuple(names))


_ARRAY_NAMES = ("user_ids", "movie_ids", "users", "user_times", "shares", "likings", "usual", "movies", "movie_times")
