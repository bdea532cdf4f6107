"""Candidates: every candidate model, fitted at each cut of the split where it is needed.

`<model>_history` is validated on the labels and proposes the ranker's training rows, `<model>_known` is measured on the
holdout, and `<model>` is published.
"""

import time
from typing import Any

import dagster as dg
import polars as pl

from assets.fitting import fit_or_report
from assets.protocols import (
    MODEL_TYPES,
    PER_USER,
    PROTOCOLS,
    PUBLISHED_MODELS,
    EvaluationProtocol,
    build_tuned_input,
    count_interactions,
    get_asset_name,
    interactions_input,
)
from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.splitting import CUTS, ratings_at_cut, tags_at_cut
from movierec.evaluation.evaluation import validate_on_labels
from movierec.evaluation.holdout import MAX_USERS_PER_SEGMENT
from movierec.features.content import ContentVectors, build_content_vectors
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from resources.memory import PeakMemory
from resources.mlflow_tracking import MlflowTracking

PURPOSE_OF_CUT = {
    "history": "to be validated on the labels, and for the ranker's training rows",
    "known": "to be measured on the holdout",
    "all": "to be published",
}

RANKED_MODELS = sorted({name for channels in RECOMMENDER_CHANNELS.values() for name in channels})


def list_cuts(model: str, protocol: EvaluationProtocol) -> list[str]:
    """The cuts at which a model is fitted under a protocol, in the order of CUTS.

    `known` always; `history` for per-user models (validated on the labels) and for models that a ranker orders; `all`
    for published models.
    """
    needed = {
        "history": protocol is PER_USER or model in RANKED_MODELS,
        "known": True,
        "all": protocol is PER_USER and model in PUBLISHED_MODELS,
    }
    return [cut for cut in CUTS if needed[cut]]


def _build_candidate_asset(name: str, cut: str, protocol: EvaluationProtocol) -> dg.AssetsDefinition:
    spec = CANDIDATE_MODELS[name]
    kind = spec.model_class
    is_validated = cut == "history" and protocol is PER_USER
    reads_split = protocol.build_inputs(["split"]) if is_validated or spec.reads_content else {}
    reads_movies = dict.fromkeys(("movies", "tags"), dg.AssetIn()) if spec.reads_content else {}
    reads_tuned = build_tuned_input(protocol) if spec.space else {}

    @protocol.asset(
        get_asset_name(name, cut),
        group="candidates",
        description=f"{kind.__doc__} Fitted on {' + '.join(CUTS[cut])}, {PURPOSE_OF_CUT[cut]}.",
        ins=interactions_input(protocol, cut) | reads_split | reads_movies | reads_tuned,
        kinds={"python", "numpy"},
        dagster_type=MODEL_TYPES[name],
        io_manager_key="models",
        pool="training",
    )
    def candidate_model(
        context: dg.AssetExecutionContext, interactions: Interactions, tracking: MlflowTracking, **given: Any
    ) -> CandidateModel | UnfittedModel:
        content = (
            {"content": _build_content_vectors(cut, given["split"], given["movies"], given["tags"])}
            if reads_movies
            else {}
        )
        params = given["tuned"].get_params(name) if reads_tuned else None
        started = time.perf_counter()
        with PeakMemory() as memory:
            model = fit_or_report(context, name, lambda: spec.fit(interactions, params, **content))
        if isinstance(model, UnfittedModel):
            return model
        seconds = time.perf_counter() - started
        found = (
            validate_on_labels(model, interactions, given["split"], max_users=MAX_USERS_PER_SEGMENT)
            if is_validated
            else {}
        )
        tracking.record_fit(
            context, spec.experiment, model, seconds=seconds, peak_mb=memory.peak_mb, validation_metrics=found
        )
        context.add_output_metadata(count_interactions(interactions))
        return model

    return candidate_model


def _build_content_vectors(cut: str, split: pl.LazyFrame, movies: pl.LazyFrame, tags: pl.LazyFrame) -> ContentVectors:
    return build_content_vectors(movies.collect(), tags_at_cut(tags, ratings_at_cut(split, cut)).collect())


candidate_models = [
    _build_candidate_asset(name, cut, protocol)
    for protocol in PROTOCOLS
    for name in CANDIDATE_MODELS
    for cut in list_cuts(name, protocol)
]
