"""Why a movie was recommended: what moved the ranker, in words, and which rated movies moved the candidates."""

from functools import cache
from typing import NamedTuple

import numpy as np

from movierec.candidates.base import TellsLoss
from movierec.data.interactions import Interactions, Rows, Scores
from movierec.features.names import GENRE_FEATURES
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import Proposals, Retrieval

LATEST = 50  # so many of somebody's last ratings are tried for their part in the candidates


class Reason(NamedTuple):
    """A feature's part in the ranker's score: `words` for people, `value` of the feature, SHAP `contribution`."""

    feature: str
    words: str
    value: float
    contribution: float


class Parts(NamedTuple):
    """A ranker's score: `base`, what it expects of any candidate, plus the contributions plus `others` is the score.

    `reasons` by size of their contribution.
    """

    base: float
    reasons: list[Reason]
    others: float


class Explanation(NamedTuple):
    """`parts` of the score where a ranker gave one; `because_of` are rated movies, the one that moved most first."""

    movie_id: int
    parts: Parts | None
    because_of: list[int]


# What each feature tells, by its name without a channel and a kind.
WORDS = {
    "user_avg_rating": "how high you usually rate",
    "user_rating_std": "how much your ratings differ",
    "user_num_ratings": "how much you have rated",
    "user_min_rating": "your lowest rating",
    "user_max_rating": "your highest rating",
    "user_activity_days": "how long you have been rating",
    "user_rating_velocity": "how fast you rate",
    "movie_avg_rating": "how well it is rated",
    "movie_rating_std": "how much opinions of it differ",
    "movie_num_ratings": "how many have rated it",
    "movie_num_users": "how many have seen it",
    "movie_popularity": "how popular it is",
    "year": "its year",
    "movie_age": "its age",
    "decade": "its decade",
    "title_length": "the length of its title",
    "num_genres": "how many genres it has",
    "genre_none": "it has no genre",
    "tmdb_runtime": "how long it runs",
    "tmdb_log_budget": "what it cost to make",
    "tmdb_is_english": "whether it is in English",
    "genre_share": "how often you watch its genres",
    "genre_liking": "how much you like its genres",
    "age_for_user": "how old it is for what you watch",
    "era_gap": "when people watched it",
    "beyond_usual_popularity": "how popular it is beside what you watch",
    "beyond_usual_year": "how new it is beside what you watch",
    "beyond_usual_rating": "how well it is rated beside what you watch",
    "beyond_usual_popularity_lately": "how popular it is beside what you watched lately",
    "beyond_usual_year_lately": "how new it is beside what you watched lately",
    "beyond_usual_rating_lately": "how well it is rated beside what you watched lately",
}
CHANNEL_WORDS = {
    "ease": "it goes with what you liked",
    "ials": "people of your taste like it",
    "transitions": "people rate it soon after what you rated",
    "als": "how many stars you would give it",
}


@cache
def words_of(feature: str) -> str:
    """A feature in words. Raises KeyError for one that has none."""
    if feature in WORDS:
        return WORDS[feature]
    if feature in GENRE_FEATURES:
        return f"whether it is {GENRE_FEATURES[feature]}"
    name = feature.rsplit("_", 1)[0]
    channel, _, last = name.partition("_last")
    return CHANNEL_WORDS[channel] + (f" lately, in your last {last} ratings" if last else "")


def parts_of(ranker: Ranker, matrix: Scores, *, top: int) -> list[Parts]:
    """The score of each row in parts, with its `top` features by size of their SHAP value; of features with the same
    words the largest speaks, the rest are among the others."""
    values = ranker.trees.shap_values(matrix)
    largest_first = np.argsort(-np.abs(values[:, :-1]), axis=1, kind="stable")
    found = []
    for row, (*parts, base), order in zip(matrix, values.tolist(), largest_first, strict=True):
        by_words: dict[str, Reason] = {}
        for at in order:
            feature = ranker.features[at]
            by_words.setdefault(words_of(feature), Reason(feature, words_of(feature), float(row[at]), parts[at]))
            if len(by_words) == top:
                break
        told = list(by_words.values())
        found.append(Parts(base, told, sum(parts) - sum(reason.contribution for reason in told)))
    return found


def because_of(
    retrieval: Retrieval, one: Interactions, proposals: Proposals, columns: Rows, *, top: int
) -> list[list[int]]:
    """For each of `columns` the movies of the single user of `one` without which the channels would score it lowest.

    Each of the last LATEST ratings is left out in turn; what each channel's score loses is taken in the spread of
    its scores of the user's `proposals`, and summed over the channels. Movies without which nothing is lost are not
    named.
    """
    tried = np.flatnonzero(one.recency <= LATEST)
    lost = np.zeros((len(tried), len(columns)))
    for name, model in retrieval.models.items():
        if isinstance(model, TellsLoss):
            scores = proposals.signals[f"{name}_score"][0]
            known = scores[np.isfinite(scores)]
            if len(known):
                lost += model.lost_without(one, tried, columns) / (known.std() + 1e-9)
    movie_ids = one.movie_ids[one.user_items.indices[tried]]
    order = np.argsort(-lost, axis=0, kind="stable")[:top].T
    return [[int(movie_ids[at]) for at in places_of if lost[at, column] > 0] for column, places_of in enumerate(order)]
