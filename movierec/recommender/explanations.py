"""Why a movie is recommended: the features that moved the ranker most, in words, and the ratings that mattered most."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.base import SupportsAttribution
from movierec.data.interactions import Float32Array, Indices, Interactions
from movierec.features.names import FEATURE_WORDS
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import Proposals, Retrieval
from movierec.recommender.training_rows import CandidateBlock

N_EXPLAINED = 3  # features, and rated movies, named in an explanation
N_RATINGS_TRIED = 50  # latest ratings that are tried as influential


class FeatureReason(NamedTuple):
    """One feature's part in the ranker's score: description `words`, its `value`, its SHAP value `contribution`."""

    feature: str
    words: str
    value: float
    contribution: float


class ScoreParts(NamedTuple):
    """The ranker's score as a sum: `base` + the contributions of `reasons` + `others`.

    `base` is the expected score of any candidate. `reasons` are sorted by the size of their contribution. `others` is
    the sum of all other features.
    """

    base: float
    reasons: list[FeatureReason]
    others: float


class Explanation(NamedTuple):
    """The explanation of one movie: `parts` of its score (None without a ranker), and ids of influential rated movies.

    `influential_movie_ids` are the rated movies that raised its score most, the strongest first.
    """

    movie_id: int
    parts: ScoreParts | None
    influential_movie_ids: list[int]


# What the score of each candidate model tells.
CHANNEL_WORDS = {name: spec.words for name, spec in CANDIDATE_MODELS.items() if spec.words}


@cache
def describe_feature(feature: str) -> str:
    """A feature in words for visitors. Raises KeyError for a feature without a description."""
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
        matrix = candidates.feature_matrix
        parts = explain_scores(ranker, matrix[places], _find_varying_features(matrix), top=N_EXPLAINED)
    movie_ids = retrieval.interactions.movie_ids[columns].tolist()
    return [Explanation(*each) for each in zip(movie_ids, parts, moved, strict=True)]


def _find_varying_features(matrix: Float32Array) -> npt.NDArray[np.bool_]:
    """By column of the features of all candidates of one user: whether it differs between them."""
    first = matrix[:1]
    varying: npt.NDArray[np.bool_] = ((matrix != first) & ~(np.isnan(matrix) & np.isnan(first))).any(axis=0)
    return varying


def explain_scores(
    ranker: Ranker, matrix: Float32Array, varying: npt.NDArray[np.bool_], *, top: int
) -> list[ScoreParts]:
    """The score of each row of `matrix` split into the `top` features with the largest SHAP values, base and rest.

    A feature that is equal for all candidates of the user says nothing about a movie: only `varying` ones are listed,
    so there may be fewer than `top`. Of features with the same words only the one with the largest value is listed; the
    others count as rest.
    """
    values = ranker.trees.compute_shap_values(matrix)
    largest_first = np.argsort(-np.abs(values[:, :-1]), axis=1, kind="stable")
    found = []
    for row, (*parts, base), order in zip(matrix, values.tolist(), largest_first, strict=True):
        by_words: dict[str, FeatureReason] = {}
        for at in order[varying[order]]:
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
    """For each of `columns` the ids of up to `top` rated movies without which its candidate scores would fall most.

    Each of the last N_RATINGS_TRIED ratings of `single_user` is left out in turn. The loss of each channel's score is
    divided by the standard deviation of its scores over `proposals` (those of the same user) and summed over the
    channels. Movies whose removal loses nothing are left out.
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
