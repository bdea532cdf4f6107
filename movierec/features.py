"""User and movie features at a cut, and the matrix that the ranker reads: the same in training and in serving."""

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.interactions import UNKNOWN, Ids, Interactions, Rows, Scores, positions
from movierec.movies import GENRES
from movierec.sparse import mapped

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
USER_TIME, MOVIE_TIME = "last_rated", "mean_rated"  # in years; the pair features below are made of them
SHARE_FEATURES = tuple(f"share_{name}" for name in GENRE_FEATURES)  # of a user, for the crosses below
LIKING_FEATURES = tuple(f"liking_{name}" for name in GENRE_FEATURES)
# What the movies that a user rates are like on average: all of them, and the last ones.
USUAL_FEATURES = tuple(f"usual_{kind}{when}" for when in ("", "_lately") for kind in ("popularity", "year", "rating"))
PAIR_FEATURES = (
    "genre_share",
    "genre_liking",
    "age_for_user",  # years from the movie's release to the user's last rating
    "era_gap",  # years from when the movie was rated, on average, to the user's last rating
    *(name.replace("usual", "beyond_usual") for name in USUAL_FEATURES),
)
BASE_FEATURES = (*USER_FEATURES, *MOVIE_FEATURES, *PAIR_FEATURES)

SHRINKAGE = 5.0  # ratings of a genre that weigh as much as knowing nothing about it
LATELY = 20  # ratings
USERS_AT_ONCE = 2_000


def user_features(people: Interactions, movies: pl.DataFrame) -> pl.DataFrame:
    """One row per user of `people`: USER_FEATURES, when they last rated, SHARE_, LIKING_ and USUAL_FEATURES.

    `movies` is the table of `movie_features` of the same ratings. A spread of one rating is 0. Velocity is ratings per
    day of activity, the first day counted as one. `share_*`: the part of the user's ratings that fall on the genre.
    `liking_*`: mean of (rating - the user's mean) over the genre, shrunk towards 0 as by SHRINKAGE further ratings.
    `usual_*`: log(1 + number of ratings), year and mean rating of the movies that the user rated, on average, and of
    the last LATELY of them; null where none has a year.
    """
    movies = movies.sort("movie_id")
    movie_ids, matrix = movies["movie_id"].to_numpy(), _matrix(movies, MOVIE_FEATURES)
    rows = np.arange(len(people.user_ids))
    blocks = np.split(rows, range(USERS_AT_ONCE, len(rows), USERS_AT_ONCE))
    parts = [_profiles(people.take(block), movie_ids, matrix) for block in blocks]
    user_ids, *arrays = (np.concatenate(each) for each in zip(*parts, strict=True))
    columns = (*USER_FEATURES, USER_TIME, *SHARE_FEATURES, *LIKING_FEATURES, *USUAL_FEATURES)
    table = pl.DataFrame(np.column_stack(arrays), schema=columns, orient="row", nan_to_null=True)
    return table.insert_column(0, pl.Series("user_id", user_ids))


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

    `users` is users x USER_FEATURES, `shares` and `likings` users x genres, `usual` users x USUAL_FEATURES, `movies`
    movies x MOVIE_FEATURES and `extra`, those of TMDB_FEATURES that there are.
    """

    user_ids: Ids
    movie_ids: Ids
    users: Scores
    user_times: Scores
    shares: Scores
    likings: Scores
    usual: Scores
    movies: Scores
    movie_times: Scores
    extra: tuple[str, ...] = ()

    @classmethod
    def of(cls, users: pl.DataFrame, movies: pl.DataFrame) -> Self:
        """From the tables of `user_features` and `movie_features` of the same cut."""
        users, movies = users.sort("user_id"), movies.sort("movie_id")
        extra = _extra(movies.columns)
        return cls(
            user_ids=users["user_id"].to_numpy(),
            users=_matrix(users, USER_FEATURES),
            user_times=users[USER_TIME].to_numpy(),
            shares=_matrix(users, SHARE_FEATURES),
            likings=_matrix(users, LIKING_FEATURES),
            usual=_matrix(users, USUAL_FEATURES),
            movie_ids=movies["movie_id"].to_numpy(),
            movies=_matrix(movies, (*MOVIE_FEATURES, *extra)),
            movie_times=movies[MOVIE_TIME].to_numpy(),
            extra=extra,
        )

    @classmethod
    def at(cls, known: pl.LazyFrame, movies: pl.LazyFrame) -> Self:
        """Of the ratings known at a cut."""
        rated = movie_features(known, movies).collect()
        return cls.of(user_features(Interactions.of(known), rated), rated)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of `matrix`: BASE_FEATURES, and `extra` if there are any."""
        return (*USER_FEATURES, *MOVIE_FEATURES, *self.extra, *PAIR_FEATURES)

    def fold_in(self, people: Interactions) -> Self:
        """The same movies, but for `people`, who are known by these ratings alone, one of each at least.

        Raises KeyError for a rating of a movie that has no features.
        """
        return replace(self, **_profiles(people, self.movie_ids, self.movies)._asdict())

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
            *(np.tile(_measures(movies), 2) - np.repeat(self.usual[user_rows], n, axis=0)).T,
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
        arrays = {name: mapped(folder / f"{name}.npy") for name in _ARRAYS}
        return cls(**arrays, extra=tuple(names))


def _matrix(table: pl.DataFrame, columns: tuple[str, ...]) -> Scores:
    return np.ascontiguousarray(table.select(columns).to_numpy().astype(np.float32))


_ARRAYS = ("user_ids", "movie_ids", "users", "user_times", "shares", "likings", "usual", "movies", "movie_times")
_GENRES_AT = slice(MOVIE_FEATURES.index(next(iter(GENRE_FEATURES))), MOVIE_FEATURES.index("genre_none"))


def _known(kind: str, ids: Ids, wanted: npt.NDArray[np.int32]) -> Rows:
    rows = positions(ids, wanted)
    if (rows == UNKNOWN).any():
        missing = np.unique(wanted[rows == UNKNOWN])[:5].tolist()
        raise KeyError(f"no features for {kind} {missing}: features and candidates are of different cuts")
    return rows
