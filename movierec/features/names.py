"""The names of the features, in the order of the matrix."""

from movierec.data.movielens import GENRES

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
