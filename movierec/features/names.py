"""The names of the features in the order of the matrix, and their words, read from their entries."""

from collections.abc import Mapping

from movierec.features.definitions import (
    BASE_DEFINITIONS,
    GENRE_FEATURES,
    MEASURES,
    MOVIE_DEFINITIONS,
    PAIR_DEFINITIONS,
    TMDB_DEFINITIONS,
    USER_DEFINITIONS,
    WINDOWS,
)

USER_FEATURES = tuple(feature.name for feature in USER_DEFINITIONS)
MOVIE_FEATURES = tuple(feature.name for feature in MOVIE_DEFINITIONS)
TMDB_FEATURES = tuple(feature.name for feature in TMDB_DEFINITIONS)
PAIR_FEATURES = tuple(feature.name for feature in PAIR_DEFINITIONS)
BASE_FEATURES = (*USER_FEATURES, *MOVIE_FEATURES, *PAIR_FEATURES)
FEATURE_WORDS: Mapping[str, str] = {feature.name: feature.words for feature in (*BASE_DEFINITIONS, *TMDB_DEFINITIONS)}

# Columns of the tables that only the formulas of pair features read.
USER_TIME_COLUMN, MOVIE_TIME_COLUMN = "last_rated", "mean_rated"  # in years
SHARE_FEATURES = tuple(f"share_{name}" for name in GENRE_FEATURES)
LIKING_FEATURES = tuple(f"liking_{name}" for name in GENRE_FEATURES)
# What the movies that a user rates are like on average: all of them, and the last ones.
USUAL_FEATURES = tuple(f"usual_{measure.name}{window.suffix}" for window in WINDOWS for measure in MEASURES)
