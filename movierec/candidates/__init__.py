"""Candidate models, by name. One entry here makes a model known to the graph, the tests and the tables.

No ranking, no evaluation: a candidate model scores movies for users and nothing else. Which models are the channels
of a recommender is chosen in `movierec.recommender.retrieval`.
"""

from movierec.candidates import als, ials
from movierec.candidates.als import ALS, ALSParams
from movierec.candidates.base import CandidateModel
from movierec.candidates.content import ContentModel, ContentParams
from movierec.candidates.ease import EASE, EASEParams
from movierec.candidates.ials import IALS, IALSParams
from movierec.candidates.item_knn import ItemKNN, ItemKNNParams
from movierec.candidates.model_spec import Choice, ModelSpec, Real, Whole
from movierec.candidates.popularity import Popularity, PopularityParams
from movierec.candidates.recent_popularity import RecentPopularity, RecentPopularityParams
from movierec.candidates.svd import SVD, SVDParams
from movierec.candidates.transitions import Transitions, TransitionsParams
from movierec.candidates.trending import Trending, TrendingParams

__all__ = ["CANDIDATE_MODELS", "CandidateModel", "ModelSpec"]

_LIKED_FROM = Choice((3.0, 3.5, 4.0))

CANDIDATE_MODELS: dict[str, ModelSpec] = {
    "popularity": ModelSpec(
        Popularity,
        PopularityParams,
        experiment="popularity_baseline",
        floor="random",
        is_same_for_everybody=True,
        is_served=True,
    ),
    "trending": ModelSpec(
        Trending,
        TrendingParams,
        experiment="popularity_baseline",
        compared_with=("popularity",),
        is_same_for_everybody=True,
        is_served=True,
    ),
    "recent_popularity": ModelSpec(
        RecentPopularity,
        RecentPopularityParams,
        experiment="popularity_baseline",
        compared_with=("popularity",),
        is_same_for_everybody=True,
        words="many people have watched it lately",
        fusion_weight=0.5,
    ),
    "svd": ModelSpec(SVD, SVDParams),
    "als": ModelSpec(
        ALS,
        ALSParams,
        experiment="als_candidate_generator",
        compared_with=("popularity",),
        words="people who rated the same movies like it",
        space={
            "factors": Choice((32, 64, 128)),
            "regularization": Real(1, 300, log=True),
            "alpha": Real(1.5, 40, log=True),
            "confidence": Choice(("linear", "log", "binary")),
            "min_rating": Choice((0.0, 3.0, 3.5, 4.0)),
        },
        reference=als.REFERENCE_PARAMS,
    ),
    "als_reference": ModelSpec(
        ALS,
        ALSParams,
        experiment="als_candidate_generator",
        compared_with=("als",),
        defaults=als.REFERENCE_PARAMS,
    ),
    "ials": ModelSpec(
        IALS,
        IALSParams,
        experiment="als_candidate_generator",
        floor="popularity",
        words="people of your taste like it",
        space={
            "factors": Choice((32, 64, 128)),
            "regularization": Real(1e-3, 3e-2, log=True),
            "unobserved": Real(0.05, 1.0, log=True),
            "min_rating": _LIKED_FROM,
        },
        reference=ials.REFERENCE_PARAMS,
        recent_windows=(20,),
    ),
    "ease": ModelSpec(
        EASE,
        EASEParams,
        floor="popularity",
        words="it goes with what you liked",
        space={"regularization": Real(30, 2_000, log=True), "min_rating": _LIKED_FROM},
        recent_windows=(5, 20),
    ),
    "item_knn": ModelSpec(
        ItemKNN,
        ItemKNNParams,
        floor="popularity",
        space={"neighbours": Whole(20, 400, log=True), "min_rating": _LIKED_FROM},
    ),
    "transitions": ModelSpec(
        Transitions,
        TransitionsParams,
        floor="random",  # times that are only days say little of what follows what
        compared_with=("popularity",),
        words="people rate it soon after what you rated",
        space={
            "window": Whole(5, 60, log=True),
            "popularity_power": Real(0.0, 0.5),
            "source_power": Real(0.2, 0.8),
            "last": Whole(5, 50, log=True),
            "decay": Real(0.75, 0.98),
        },
        fusion_weight=0.5,
        recent_windows=(5,),
    ),
    "content": ModelSpec(ContentModel, ContentParams, compared_with=("random",), reads_content=True),
}
