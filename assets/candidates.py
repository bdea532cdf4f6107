"""Candidates: every model of the registry, fitted at the cuts of the split where it is needed.

`<model>_history` is validated on the labels and feeds the ranker's, `<model>_known` is measured on the holdout,
`<model>` is published.
"""

import time
from typing import Any

import dagster as dg
import polars as pl

from assets.protocols import PER_USER, PROTOCOLS, Protocol, asset_name, interactions_input, tuned_input
from movierec.candidates import CANDIDATE_MODELS
from movierec.data.interactions import Interactions
from movierec.data.splitting import CUTS, known_at, tags_known_at
from movierec.evaluation.evaluation import validated
from movierec.evaluation.holdout import MAX_USERS
from movierec.features.content import Content, content_vectors
from movierec.recommender.retrieval import RECOMMENDERS
from resources.memory import PeakMemory
from resources.mlflow_tracking import Tracking

PURPOSE = {
    "history": "to be validated on the labels, and for the ranker's training rows",
    "known": "to be measured on the holdout",
    "all": "to be published",
}

RANKED = sorted({name for channels in RECOMMENDERS.values() for name in channels})
PUBLISHED = {name for name, spec in CANDIDATE_MODELS.items() if spec.is_served or name in RECOMMENDERS["two_stage"]}


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
    spec = CANDIDATE_MODELS[name]
    kind = spec.model_class
    is_validated = cut == "history" and protocol is PER_USER
    reads_split = protocol.inputs(["split"]) if is_validated or spec.reads_content else {}
    reads_movies = dict.fromkeys(("movies", "tags"), dg.AssetIn()) if spec.reads_content else {}
    reads_tuned = tuned_input(protocol) if spec.space else {}

    @protocol.asset(
        asset_name(name, cut),
        group="candidates",
        description=f"{kind.__doc__} Fitted on {' + '.join(CUTS[cut])}, {PURPOSE[cut]}.",
        ins=interactions_input(protocol, cut) | reads_split | reads_movies | reads_tuned,
        kinds={"python", "numpy"},
        io_manager_key="models",
        pool="training",
    )
    def candidate_model(
        context: dg.AssetExecutionContext, interactions: Interactions, tracking: Tracking, **given: Any
    ) -> kind:  # type: ignore[valid-type]
        content = {"content": _content(cut, given["split"], given["movies"], given["tags"])} if reads_movies else {}
        params = given["tuned"].of(name) if reads_tuned else None
        started = time.perf_counter()
        with PeakMemory() as memory:
            model = kind.fit(interactions, params, **content)
        seconds = time.perf_counter() - started
        found = validated(model, interactions, given["split"], max_users=MAX_USERS) if is_validated else {}
        tracking.record_fit(context, spec.experiment, model, seconds=seconds, peak_mb=memory.peak_mb, validated=found)
        users, movies = interactions.user_items.shape
        context.add_output_metadata({"users": users, "movies": movies, "ratings": interactions.user_items.nnz})
        return model

    return candidate_model


def _content(cut: str, split: pl.LazyFrame, movies: pl.LazyFrame, tags: pl.LazyFrame) -> Content:
    return content_vectors(movies.collect(), tags_known_at(tags, known_at(split, cut)).collect())


candidate_models = [
    _candidate_model(name, cut, protocol)
    for protocol in PROTOCOLS
    for name in CANDIDATE_MODELS
    for cut in cuts_of(name, protocol)
]
