"""Candidate models, by name. One line here makes a model known to the graph, the tests and the tables.

No ranking, no evaluation: a candidate model scores movies for users and nothing else.
"""

from movierec.candidates.als import ALS
from movierec.candidates.base import CandidateModel
from movierec.candidates.content import ContentModel
from movierec.candidates.ease import EASE
from movierec.candidates.ials import IALS
from movierec.candidates.item_knn import ItemKNN
from movierec.candidates.popularity import Popularity
from movierec.candidates.svd import SVD
from movierec.candidates.transitions import Transitions
from movierec.candidates.trending import Trending

__all__ = ["CANDIDATE_MODELS", "CandidateModel"]

CANDIDATE_MODELS: dict[str, type[CandidateModel]] = {
    "popularity": Popularity,
    "trending": Trending,
    "svd": SVD,
    "als": ALS,
    "ials": IALS,
    "ease": EASE,
    "item_knn": ItemKNN,
    "transitions": Transitions,
    "content": ContentModel,
}
