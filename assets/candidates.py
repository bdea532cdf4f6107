"""Candidates: every model of the registry, fitted at each cut of the split.

`<model>_history` feeds the ranker's labels, `<model>_known` is measured on the holdout, `<model>` is published.
"""

import time
from collections.abc import Iterable

import dagster as dg
import polars as pl

from assets.partitions import samples
from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.interactions import Interactions
from movierec.splits import CUTS, known_at
from resources.tracking import Tracking

EXPERIMENTS = {
    "popularity": "popularity_baseline",
    "trending": "popularity_baseline",
    "svd": "collaborative_filtering",
    "als": "als_candidate_generator",
    "ials": "als_candidate_generator",
    "ease": "collaborative_filtering",
    "item_knn": "collaborative_filtering",
    "transitions": "collaborative_filtering",
}
PURPOSE = {
    "history": "for the ranker's training rows",
    "known": "to be measured on the holdout",
    "all": "to be published",
}


# Dagster wants one type object to a name; the I/O manager reads from it which class to load.
MODEL_TYPES = {name: dg.PythonObjectDagsterType(kind, name=f"{name}_model") for name, kind in CANDIDATE_MODELS.items()}


def asset_name(model: str, cut: str) -> str:
    return model if cut == "all" else f"{model}_{cut}"


def channel_inputs(models: Iterable[str], cut: str) -> dict[str, dg.AssetIn]:
    """The named models at a cut as inputs of an asset, each under its own name."""
    return {name: dg.AssetIn(asset_name(name, cut), dagster_type=MODEL_TYPES[name]) for name in models}


def _candidate_model(name: str, cut: str) -> dg.AssetsDefinition:
    kind: type[CandidateModel] = CANDIDATE_MODELS[name]

    @dg.asset(
        name=asset_name(name, cut),
        description=f"{kind.__doc__} Fitted on {' + '.join(CUTS[cut])}, {PURPOSE[cut]}.",
        partitions_def=samples,
        group_name="candidates",
        kinds={"python", "numpy"},
        owners=["team:ml"],
        io_manager_key="models",
        pool="training",
    )
    def candidate_model(context: dg.AssetExecutionContext, split: pl.LazyFrame, tracking: Tracking) -> kind:  # type: ignore[valid-type]
        interactions = Interactions.of(known_at(split, cut))
        started = time.perf_counter()
        model = kind.fit(interactions)
        tracking.record_fit(context, EXPERIMENTS[name], model, seconds=time.perf_counter() - started)
        users, movies = interactions.user_items.shape
        context.add_output_metadata({"users": users, "movies": movies, "ratings": interactions.user_items.nnz})
        return model

    return candidate_model


candidate_models = [_candidate_model(name, cut) for name in CANDIDATE_MODELS for cut in CUTS]
