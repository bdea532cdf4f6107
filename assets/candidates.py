"""Candidates: every model of the registry, fitted at the cuts of the split where it is needed.

`<model>_history` is validated on the labels and feeds the ranker's, `<model>_known` is measured on the holdout,
`<model>` is published.
"""

import time
from typing import Any

import dagster as dg
import polars as pl

from assets.protocols import PER_USER, PROTOCOLS, Protocol, asset_name, tuned_input
from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.data.interactions import Interactions
from movierec.data.splitting import CUTS, known_at, tags_known_at
from movierec.evaluation.evaluation import validated
from movierec.evaluation.holdout import MAX_USERS
from movierec.experiments.tuning import SPACES
from movierec.features.content import content_vectors
from movierec.recommender.retrieval import RECOMMENDERS
from resources.memory import PeakMemory
from resources.mlflow_tracking import Tracking

EXPERIMENTS = {
    "popularity": "popularity_baseline",
    "trending": "popularity_baseline",
    "svd": "collaborative_filtering",
    "als": "als_candidate_generator",
    "ials": "als_candidate_generator",
    "ease": "collaborative_filtering",
    "item_knn": "collaborative_filtering",
    "transitions": "collaborative_filtering",
    "content": "collaborative_filtering",
}
PURPOSE = {
    "history": "to be validated on the labels, and for the ranker's training rows",
    "known": "to be measured on the holdout",
    "all": "to be published",
}

RANKED = sorted({name for channels in RECOMMENDERS.values() for name in channels})
PUBLISHED = {"popularity", "trending", *RECOMMENDERS["two_stage"]}


def cuts_of(name: str, protocol: Protocol) -> list[str]:
    """Where a model is fitted: measured everywhere, before the labels to be validated on them and where a ranker orders
    it, and if published."""
    needed = {
        "history": protocol is PER_USER or name in RANKED,
        "known": True,
        "all": protocol is PER_USER and name in PUBLISHED,
    }
    return [cut for cut in CUTS if needed[cut]]


def _candidate_model(name: str, cut: str, protocol: Protocol) -> dg.AssetsDefinition:
    kind: type[CandidateModel] = CANDIDATE_MODELS[name]
    reads_movies = ("movies", "tags") if name == "content" else ()
    reads_tuned = tuned_input(protocol) if name in SPACES else {}

    @protocol.asset(
        asset_name(name, cut),
        group="candidates",
        description=f"{kind.__doc__} Fitted on {' + '.join(CUTS[cut])}, {PURPOSE[cut]}.",
        ins=protocol.inputs(["split"]) | dict.fromkeys(reads_movies, dg.AssetIn()) | reads_tuned,
        kinds={"python", "numpy"},
        io_manager_key="models",
        pool="training",
    )
    def candidate_model(
        context: dg.AssetExecutionContext, split: pl.LazyFrame, tracking: Tracking, **given: Any
    ) -> kind:  # type: ignore[valid-type]
        known = known_at(split, cut)
        about = {"content": _content(known, **given)} if reads_movies else {}
        params = given["tuned"].of(name) if reads_tuned else None
        interactions = Interactions.of(known)
        started = time.perf_counter()
        with PeakMemory() as memory:
            model = kind.fit(interactions, params, **about)
        seconds = time.perf_counter() - started
        is_validated = cut == "history" and protocol is PER_USER
        found = validated(model, split, max_users=MAX_USERS) if is_validated else {}
        tracking.record_fit(context, EXPERIMENTS[name], model, seconds=seconds, peak_mb=memory.peak_mb, validated=found)
        users, movies = interactions.user_items.shape
        context.add_output_metadata({"users": users, "movies": movies, "ratings": interactions.user_items.nnz})
        return model

    return candidate_model


def _content(known: pl.LazyFrame, movies: pl.LazyFrame, tags: pl.LazyFrame) -> object:
    return content_vectors(movies.collect(), tags_known_at(tags, known).collect())


candidate_models = [
    _candidate_model(name, cut, protocol)
    for protocol in PROTOCOLS
    for name in CANDIDATE_MODELS
    for cut in cuts_of(name, protocol)
]
