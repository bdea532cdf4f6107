"""Why a movie was recommended: what moved the ranker, in words, and which rated movies moved the candidates."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.base import SupportsAttribution
from movierec.data.interactions import Float32Array, Indices, Interactions
from movierec.features.names import FEATURE_WORDS
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import Proposals, Retrieval
from movierec.recommender.training_rows import CandidateBlock

N_EXPLAINED = 3  # features, and rated movies, that an explanation names
N_RATINGS_TRIED = 50  # so many of somebody's last ratings are tried for their part in the candidates


class FeatureReason(NamedTuple):
    """A feature's part in the ranker's score: `words` for people, `value` of the feature, SHAP `contribution`."""

    feature: str
    words: str
    value: float
    contribution: float


class ScoreParts(NamedTuple):
    """A ranker's score: `base`, what it expects of any candidate, plus the contributions plus `others` is the score.

    `reasons` by size of their contribution.
    """

    base: float
    reasons: list[FeatureReason]
    others: float


class Explanation(NamedTuple):
    """`parts` of the score where a ranker gave one; `because_of` are rated movies, the one that moved most first."""

    movie_id: int
    parts: ScoreParts | None
    influential_movie_ids: list[int]


# What the score of each candidate model tells.
CHANNEL_WORDS = {name: spec.words for name, spec in CANDIDATE_MODELS.items() if spec.words}


@cache
def describe_feature(feature: str) -> str:
    """A feature in words. Raises KeyError for one that has none."""
    if feature in FEATURE_WORDS:
        return FEATURE_WORDS[feature]
    name = feature.rsplit("_", 1)[0]
    channel, _, last = name.partition("_last")
    return CHANNEL_WORDS[channel] + (f" lately, in your last {last} ratings" if last else "")


def explain_columns(
    retrieval: Retrieval, ranker: Ranker | None, candidates: CandidateBlock, columns: Indices
) -> list[Explanation]:
    """Why each of `columns`, which are among the candidates of a single user, is for them; TOLD features and movies."""
    proposed = candidates.proposals.columns[0]
    order = np.argsort(proposed)
    places = order[np.searchsorted(proposed, columns, sorter=order)]
    moved = find_influential_ratings(retrieval, candidates.users, candidates.proposals, columns, top=N_EXPLAINED)
    parts: Sequence[ScoreParts | None] = [None] * len(columns)
    if ranker is not None and candidates.feature_matrix is not None:
        parts = explain_scores(ranker, candidates.feature_matrix[places], top=N_EXPLAINED)
    movie_ids = retrieval.interactions.movie_ids[columns].tolist()
    return [Explanation(*each) for each in zip(movie_ids, parts, moved, strict=True)]


def explain_scores(ranker: Ranker, matrix: Float32Array, *, top: int) -> list[ScoreParts]:
    """The score of each row in parts, with its `top` features by size of their SHAP value; of features with the same
    words the largest speaks, the rest are among the others."""
    values = ranker.trees.compute_shap_values(matrix)
    largest_first = np.argsort(-np.abs(values[:, :-1]), axis=1, kind="stable")
    found = []
    for row, (*parts, base), order in zip(matrix, values.tolist(), largest_first, strict=True):
        by_words: dict[str, FeatureReason] = {}
        for at in order:
            feature = ranker.feature_names[at]
            by_words.setdefault(
                describe_feature(feature), FeatureReason(feature, describe_feature(feature), float(row[at]), parts[at])
            )
            if len(by_words) == top:
                break
        told = list(by_words.values())
        found.append(ScoreParts(base, told, sum(parts) - sum(reason.contribution for reason in told)))
    return found


def find_influential_ratings(
    retrieval: Retrieval, single_user: Interactions, proposals: Proposals, columns: Indices, *, top: int
) -> list[list[int]]:
    """For each of `columns` the movies of the single user of `one` without which the channels would score it lowest.

    Each of the last LATEST ratings is left out in turn; what each channel's score loses is taken in the spread of
    its scores of the user's `proposals`, and summed over the channels. Movies without which nothing is lost are not
    named.
    """
    tried = np.flatnonzero(single_user.recency <= N_RATINGS_TRIED)
    lost = np.zeros((len(tried), len(columns)))
    for name, model in retrieval.models.items():
        if isinstance(model, SupportsAttribution):
            scores = proposals.signals[f"{name}_score"][0]
            known = scores[np.isfinite(scores)]
            if len(known):
                lost += model.leave_one_out(single_user, tried, columns) / (known.std() + 1e-9)
    movie_ids = single_user.movie_ids[single_user.user_items.indices[tried]]
    order = np.argsort(-lost, axis=0, kind="stable")[:top].T
    return [[int(movie_ids[at]) for at in places_of if lost[at, column] > 0] for column, places_of in enumerate(order)]
