"""User and movie features at a cut, and the matrix that the ranker reads: the same in training and in serving."""

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.interactions import UNKNOWN, Ids, Rows, Scores, positions
from movierec.movies import GENRES

GENRE_FEATURES = {f"genre_{genre.lower().replace('-', '_')}": genre for genre in GENRES}

USER_FEATURES = (
    "user_avg_rating",
    "user_rating_std",
    "user_num_ratings",
    "user_min_rating",
    "user_max_rating",
    "user_activity_days",
    "user_rating_velocity",
)
MOVIE_FEATURES = (
    "movie_avg_rating",
    "movie_rating_std",
    "movie_num_ratings",
    "movie_num_users",
    "movie_popularity",
    "year",
    "movie_age",
    "decade",
    "title_length",
    "num_genres",
    *GENRE_FEATURES,
    "genre_none",
)
# Off by default. Votes and revenue are of today, so they would tell what came after a cut.
TMDB_FEATURES = ("tmdb_runtime", "tmdb_log_budget", "tmdb_is_english")
USER_TIME, MOVIE_TIME = "last_rated", "mean_rated"  # in years; the pair features above are made of them
LIKING_FEATURES = tuple(f"liking_{name}" for name in GENRE_FEATURES)  # of a user, for the crosses below
PAIR_FEATURES = (
    "genre_share",
    "genre_liking",
    "age_for_user",  # years from the movie's release to the user's last rating
    "era_gap",  # years from when the movie was rated, on average, to the user's last rating
)
BASE_FEATURES = (*USER_FEATURES, *MOVIE_FEATURES, *PAIR_FEATURES)

SHARE_FEATURES = tuple(f"share_{name}" for name in GENRE_FEATURES)
SHRINKAGE = 5.0  # ratings of a genre that weigh as much as knowing nothing about it


def user_features(ratings: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """One row per user of `ratings`: USER_FEATURES, and per genre the user's share and liking of it.

    `movies` are `movie_id` with `genres`, or with their flags as GENRE_FEATURES.
    A spread of one rating is 0. Velocity is ratings per day of activity, the first day counted as one.
    `share_*`: the part of the user's ratings that fall on the genre. `liking_*`: mean of (rating - the user's
    mean) over the genre, shrunk towards 0 as by SHRINKAGE further ratings.
    """
    ratings = ratings.with_columns(_exact("rating"))
    if "genres" in movies.collect_schema():
        movies = movies.select("movie_id", *_genre_flags())
    days = (pl.col("rated_at").max() - pl.col("rated_at").min()).dt.total_seconds() / 86_400
    aggregates = ratings.group_by("user_id").agg(
        user_avg_rating=pl.col("rating").mean(),
        user_rating_std=pl.col("rating").std().fill_null(0.0),
        user_num_ratings=pl.len(),
        user_min_rating=pl.col("rating").min(),
        user_max_rating=pl.col("rating").max(),
        user_activity_days=days,
        user_rating_velocity=pl.len() / (days + 1),
        last_rated=_in_years(pl.col("rated_at").max()),
    )
    per_genre = (
        ratings.select("user_id", "movie_id", "rating")
        .join(aggregates.select("user_id", "user_avg_rating"), on="user_id")
        .join(movies, on="movie_id")
        .group_by("user_id")
        .agg(
            *(pl.col(name).mean().alias(f"share_{name}") for name in GENRE_FEATURES),
            *(
                (
                    (pl.col(name) * (pl.col("rating") - pl.col("user_avg_rating"))).sum()
                    / (pl.col(name).sum() + SHRINKAGE)
                ).alias(f"liking_{name}")
                for name in GENRE_FEATURES
            ),
        )
    )
    columns = (*USER_FEATURES, USER_TIME, *SHARE_FEATURES, *LIKING_FEATURES)
    return (
        aggregates.join(per_genre, on="user_id", how="left")
        .select("user_id", *(pl.col(column).cast(pl.Float32).fill_null(0.0) for column in columns))
        .sort("user_id")
    )


def beside_tmdb(movies: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """`movies` with TMDB_FEATURES, of the table `movies` of TMDB's metadata; null for what TMDB does not know."""
    facts = known.select(
        "movie_id",
        tmdb_runtime="runtime",
        tmdb_log_budget=pl.col("budget").log1p(),
        tmdb_is_english=pl.col("original_language") == "en",
    )
    return movies.join(facts, on="movie_id", how="left")


def movie_features(ratings: pl.LazyFrame, movies: pl.LazyFrame) -> pl.LazyFrame:
    """One row per movie of the catalogue: MOVIE_FEATURES as known from `ratings`, and TMDB_FEATURES if `movies` has
    them.

    Filled by rule for movies nobody rated: the mean rating of all ratings, spread 0, counts and popularity 0.
    Age counts from the year of the last rating, so nothing depends on today. Year, age and decade are null
    where the title names no year.
    """
    ratings = ratings.with_columns(_exact("rating"))
    aggregates = ratings.group_by("movie_id").agg(
        movie_avg_rating=pl.col("rating").mean(),
        movie_rating_std=pl.col("rating").std().fill_null(0.0),
        movie_num_ratings=pl.len(),
        movie_num_users=pl.col("user_id").n_unique(),
        movie_popularity=pl.col("rating").mean() + pl.len().log1p(),
        mean_rated=_in_years(pl.col("rated_at").mean()),
    )
    overall = ratings.select(
        overall_mean=pl.col("rating").mean(), last_year=pl.col("rated_at").max().dt.year().cast(pl.Int32)
    )
    year = pl.col("year").cast(pl.Int32)
    columns = (*MOVIE_FEATURES, *_extra(movies.collect_schema()), MOVIE_TIME)
    return (
        movies.join(aggregates, on="movie_id", how="left")
        .join(overall, how="cross")
        .with_columns(
            pl.col("movie_avg_rating").fill_null(pl.col("overall_mean")),
            pl.col("movie_rating_std", "movie_num_ratings", "movie_num_users", "movie_popularity").fill_null(0),
            *_genre_flags(),
            movie_age=pl.col("last_year") - year,
            decade=year // 10 * 10,
            title_length=pl.col("display_title").str.len_chars(),
            num_genres=pl.col("genres").list.len(),
            genre_none=pl.col("genres").list.len() == 0,
        )
        .select("movie_id", *(pl.col(column).cast(pl.Float32) for column in columns))
        .sort("movie_id")
    )


def _extra(columns: Container[str]) -> tuple[str, ...]:
    return tuple(name for name in TMDB_FEATURES if name in columns)


def _exact(column: str) -> pl.Expr:
    """In double precision, where sums of half stars do not depend on the order of the threads that add them."""
    return pl.col(column).cast(pl.Float64)


def _in_years(time: pl.Expr) -> pl.Expr:
    return time.dt.epoch("s") / (365.25 * 86_400) + 1970


def _genre_flags() -> list[pl.Expr]:
    return [
        pl.col("genres").list.contains(genre).cast(pl.Float32).alias(name) for name, genre in GENRE_FEATURES.items()
    ]


@dataclass(frozen=True)
class Features:
    """The feature tables of one cut as float32 arrays, rows in ascending order of id.

    `users` is users x USER_FEATURES, `shares` and `likings` users x genres, `movies` movies x MOVIE_FEATURES
    and `extra`, those of TMDB_FEATURES that there are.
    """

    user_ids: Ids
    movie_ids: Ids
    users: Scores
    user_times: Scores
    shares: Scores
    likings: Scores
    movies: Scores
    movie_times: Scores
    extra: tuple[str, ...] = ()

    @classmethod
    def of(cls, users: pl.DataFrame, movies: pl.DataFrame) -> Self:
        """From the tables of `user_features` and `movie_features` of the same cut."""
        movies = movies.sort("movie_id")
        extra = _extra(movies.columns)
        return cls(
            movie_ids=movies["movie_id"].to_numpy(),
            movies=_matrix(movies, (*MOVIE_FEATURES, *extra)),
            movie_times=movies[MOVIE_TIME].to_numpy(),
            extra=extra,
            **_of_users(users),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of `matrix`: BASE_FEATURES, and `extra` if there are any."""
        return (*USER_FEATURES, *MOVIE_FEATURES, *self.extra, *PAIR_FEATURES)

    def fold_in(self, ratings: pl.LazyFrame) -> Self:
        """The same movies, but for the users of `ratings`, who are known by these alone."""
        rated = positions(self.movie_ids, ratings.select(pl.col("movie_id").unique()).collect().to_series().to_numpy())
        rows = rated[rated != UNKNOWN]
        flags = dict(zip(GENRE_FEATURES, self.movies[rows][:, _GENRES_AT].T, strict=True))
        movies = pl.LazyFrame({"movie_id": self.movie_ids[rows], **flags})
        return replace(self, **_of_users(user_features(ratings, movies).collect()))

    def matrix(self, user_ids: npt.ArrayLike, movie_ids: npt.NDArray[np.int32]) -> Scores:
        """`names` of each user's candidates: (users * n) x features, row by row; `movie_ids` is users x n.

        Raises KeyError when a user or a movie has no features.
        """
        n = movie_ids.shape[1]
        user_rows = _known("user", self.user_ids, np.asarray(user_ids))
        movie_rows = _known("movie", self.movie_ids, movie_ids.ravel())
        movies = self.movies[movie_rows]
        genres = movies[:, _GENRES_AT]
        n_genres = np.maximum(genres.sum(axis=1), 1)

        def cross(profile: Scores) -> Scores:
            """Mean of the user's value over the movie's genres, 0 without any."""
            values: Scores = np.einsum("ij,ij->i", np.repeat(profile, n, axis=0), genres) / n_genres
            return values

        now = np.repeat(self.user_times[user_rows], n)
        pairs = (
            cross(self.shares[user_rows]),
            cross(self.likings[user_rows]),
            now - movies[:, MOVIE_FEATURES.index("year")],
            now - self.movie_times[movie_rows],
        )
        columns = [np.repeat(self.users[user_rows], n, axis=0), movies, *pairs]
        return np.column_stack(columns).astype(np.float32, copy=False)

    def genre_vectors(self, movie_ids: npt.NDArray[np.int32]) -> Scores:
        """The genres of each movie as a vector of length 1, 0 without any: the shape of `movie_ids` x genres."""
        flags = self.movies[:, _GENRES_AT][_known("movie", self.movie_ids, movie_ids.ravel())]
        lengths = np.sqrt(flags.sum(axis=1, keepdims=True))
        vectors: Scores = (flags / np.maximum(lengths, 1)).reshape(*movie_ids.shape, -1)
        return vectors

    def of_genres(self, movie_ids: Ids, genres: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of `movie_ids` have any of `genres`; unknown names of genres have no movies."""
        rows = positions(self.movie_ids, movie_ids)
        at = [place for place, genre in enumerate(GENRE_FEATURES.values()) if genre in genres]
        has: npt.NDArray[np.bool_] = self.movies[:, _GENRES_AT][:, at][rows].any(axis=1) & (rows != UNKNOWN)
        return has

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))
        if self.extra:
            (folder / "extra.json").write_text(json.dumps(self.extra))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Mapped read-only."""
        extra = folder / "extra.json"
        names = json.loads(extra.read_text()) if extra.exists() else ()
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        return cls(**arrays, extra=tuple(names))


def _of_users(table: pl.DataFrame) -> dict[str, Any]:
    users = table.sort("user_id")
    return {
        "user_ids": users["user_id"].to_numpy(),
        "users": _matrix(users, USER_FEATURES),
        "user_times": users[USER_TIME].to_numpy(),
        "shares": _matrix(users, SHARE_FEATURES),
        "likings": _matrix(users, LIKING_FEATURES),
    }


def _matrix(table: pl.DataFrame, columns: tuple[str, ...]) -> Scores:
    return np.ascontiguousarray(table.select(columns).to_numpy().astype(np.float32))


_ARRAYS = ("user_ids", "movie_ids", "users", "user_times", "shares", "likings", "movies", "movie_times")
_GENRES_AT = slice(MOVIE_FEATURES.index(next(iter(GENRE_FEATURES))), MOVIE_FEATURES.index("genre_none"))


def _known(kind: str, ids: Ids, wanted: npt.NDArray[np.int32]) -> Rows:
    rows = positions(ids, wanted)
    if (rows == UNKNOWN).any():
        missing = np.unique(wanted[rows == UNKNOWN])[:5].tolist()
        raise KeyError(f"no features for {kind} {missing}: features and candidates are of different cuts")
    return rows
