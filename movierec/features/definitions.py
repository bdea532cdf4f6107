"""Every feature of the ranker as one entry: its name, formula, words and group.

To add a feature, add an entry to one of these tables. The names, the order of the matrix, the words of explanations
and the groups of the ablation are read from the entries. A ranker reads its features by their order, so a new entry
needs new training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl

from movierec.data.movielens import GENRES
from movierec.features.inputs import Float64Array, Floats, MovieColumns, Pairs, UserRatings

Formula = TypeVar("Formula")


class Group(StrEnum):
    """What the ablation leaves out together, in the order of its results."""

    USER = "features of the user"
    MOVIE = "features of the movie"
    GENRE = "genre flags"
    USUAL = "differences from the user's usual movies"
    CROSS = "other user x movie features"
    TMDB = "features of TMDB"


@dataclass(frozen=True)
class Feature(Generic[Formula]):
    """What `formula` reads is said above each table. `words` name the feature to the user in an explanation."""

    name: str
    formula: Formula
    words: str
    group: Group


@dataclass(frozen=True)
class RatedMovieFeature(Feature[pl.Expr]):
    """`formula` sums up the ratings of a movie; `unrated` is the value of a movie that nobody rated.

    `unrated` may read `overall_mean`, the mean of all ratings.
    """

    unrated: pl.Expr


class Measure(NamedTuple):
    """What a movie is like, as a number: `formula` of its features."""

    name: str
    formula: Callable[[MovieColumns], Floats]
    words: str


class Window(NamedTuple):
    """The last `n_ratings` of a user, and the end that names of features over them have."""

    suffix: str
    n_ratings: float
    words: str


GENRE_FEATURES = {f"genre_{genre.lower().replace('-', '_')}": genre for genre in GENRES}

# Formulas give a value for each user. Velocity counts the first day as one.
USER_DEFINITIONS: tuple[Feature[Callable[[UserRatings], Float64Array]], ...] = (
    Feature("user_avg_rating", lambda user: user.mean, "how high you usually rate", Group.USER),
    Feature(
        "user_rating_std",
        lambda user: np.sqrt(user.sum_by_user(user.centred**2) / np.maximum(user.count - 1, 1)),
        "how much your ratings differ",
        Group.USER,
    ),
    Feature("user_num_ratings", lambda user: user.count, "how much you have rated", Group.USER),
    Feature("user_min_rating", lambda user: user.find_lowest_by_user(user.stars), "your lowest rating", Group.USER),
    Feature("user_max_rating", lambda user: user.find_highest_by_user(user.stars), "your highest rating", Group.USER),
    Feature(
        "user_activity_days",
        lambda user: user.last_day - user.first_day,
        "how long you have been rating",
        Group.USER,
    ),
    Feature(
        "user_rating_velocity",
        lambda user: user.count / (user.last_day - user.first_day + 1),
        "how fast you rate",
        Group.USER,
    ),
)

# Formulas read `user_id, rating, rated_at` of the movie's ratings.
RATED_MOVIE_DEFINITIONS: tuple[RatedMovieFeature, ...] = (
    RatedMovieFeature(
        "movie_avg_rating",
        pl.col("rating").mean(),
        "how well it is rated",
        Group.MOVIE,
        unrated=pl.col("overall_mean"),
    ),
    RatedMovieFeature(
        "movie_rating_std",
        pl.col("rating").std().fill_null(0.0),
        "how much opinions of it differ",
        Group.MOVIE,
        unrated=pl.lit(0),
    ),
    RatedMovieFeature("movie_num_ratings", pl.len(), "how many have rated it", Group.MOVIE, unrated=pl.lit(0)),
    RatedMovieFeature(
        "movie_num_users", pl.col("user_id").n_unique(), "how many have seen it", Group.MOVIE, unrated=pl.lit(0)
    ),
    RatedMovieFeature(
        "movie_popularity",
        pl.col("rating").mean() + pl.len().log1p(),
        "how popular it is",
        Group.MOVIE,
        unrated=pl.lit(0),
    ),
)
_YEAR = pl.col("year").cast(pl.Int32)
_N_GENRES = pl.col("genres").list.len()
# Formulas read the movie's row of the catalogue, and `last_year`: the year of the newest of all ratings.
LISTED_MOVIE_DEFINITIONS: tuple[Feature[pl.Expr], ...] = (
    Feature("year", _YEAR, "its year", Group.MOVIE),
    Feature("movie_age", pl.col("last_year") - _YEAR, "its age", Group.MOVIE),
    Feature("decade", _YEAR // 10 * 10, "its decade", Group.MOVIE),
    Feature("title_length", pl.col("display_title").str.len_chars(), "the length of its title", Group.MOVIE),
    Feature("num_genres", _N_GENRES, "how many genres it has", Group.MOVIE),
    *(
        Feature(name, pl.col("genres").list.contains(genre), f"whether it is {genre}", Group.GENRE)
        for name, genre in GENRE_FEATURES.items()
    ),
    Feature("genre_none", _N_GENRES == 0, "it has no genre", Group.MOVIE),
)
MOVIE_DEFINITIONS: tuple[Feature[pl.Expr], ...] = (*RATED_MOVIE_DEFINITIONS, *LISTED_MOVIE_DEFINITIONS)

# Off by default. Votes and revenue are of today, so they would tell what came after a cut.
# Formulas read the movie's row of TMDB's metadata.
TMDB_DEFINITIONS: tuple[Feature[pl.Expr], ...] = (
    Feature("tmdb_runtime", pl.col("runtime"), "how long it runs", Group.TMDB),
    Feature("tmdb_log_budget", pl.col("budget").log1p(), "what it cost to make", Group.TMDB),
    Feature("tmdb_is_english", pl.col("original_language") == "en", "whether it is in English", Group.TMDB),
)

# Each measure in each window is a column of the table of users: the mean over the movies that the user rated. It is
# also a pair feature: how far the movie lies above that mean.
MEASURES = (
    Measure("popularity", lambda movie: np.log1p(movie["movie_num_ratings"]), "how popular it is"),
    Measure("year", lambda movie: movie["year"], "how new it is"),
    Measure("rating", lambda movie: movie["movie_avg_rating"], "how well it is rated"),
)
WINDOWS = (Window("", np.inf, "what you watch"), Window("_lately", 20, "what you watched lately"))


def _compare_to_usual(measure: Measure, window: Window) -> Feature[Callable[[Pairs], Floats]]:
    name = f"{measure.name}{window.suffix}"
    return Feature(
        f"beyond_usual_{name}",
        lambda pair: measure.formula(pair.movie) - pair.usual[f"usual_{name}"],
        f"{measure.words} beside {window.words}",
        Group.USUAL,
    )


# Formulas give a value for each pair of a user and a movie.
PAIR_DEFINITIONS: tuple[Feature[Callable[[Pairs], Floats]], ...] = (
    Feature(
        "genre_share",
        lambda pair: pair.average_over_genres(pair.shares),
        "how often you watch its genres",
        Group.CROSS,
    ),
    Feature(
        "genre_liking",
        lambda pair: pair.average_over_genres(pair.likings),
        "how much you like its genres",
        Group.CROSS,
    ),
    # Years from the movie's release to the user's last rating.
    Feature(
        "age_for_user",
        lambda pair: pair.user_time - pair.movie["year"],
        "how old it is for what you watch",
        Group.CROSS,
    ),
    # Years from when the movie was rated, on average, to the user's last rating.
    Feature("era_gap", lambda pair: pair.user_time - pair.movie_time, "when people watched it", Group.CROSS),
    *(_compare_to_usual(measure, window) for window in WINDOWS for measure in MEASURES),
)

BASE_DEFINITIONS: tuple[Feature[Any], ...] = (*USER_DEFINITIONS, *MOVIE_DEFINITIONS, *PAIR_DEFINITIONS)
