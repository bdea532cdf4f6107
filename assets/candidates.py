"""Candidates: every candidate model, fitted at each cut of the split where it is needed.

`<model>_history` is validated on the labels and proposes the ranker's training rows, `<model>_known` is measured on the
holdout, and `<model>` is published. A model that the site does not serve may fail to fit: it is reported and left out.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import dagster as dg
import polars as pl

from assets.features import count_interactions, interactions_input
from assets.partitions import sample_partitions
from assets.tuning import TUNED_TYPE
from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.sampling import MAX_USERS_PER_SEGMENT
from movierec.data.splitting import CUTS, ratings_at_cut, tags_at_cut
from movierec.evaluation.evaluation import validate_on_labels
from movierec.features.content import ContentVectors, build_content_vectors
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS
from resources.memory import PeakMemory
from resources.mlflow_tracking import MlflowTracking

T = TypeVar("T")
PURPOSE_OF_CUT = {
    "history": "to be validated on the labels, and for the ranker's training rows",
    "known": "to be measured on the holdout",
    "all": "to be published",
}
PUBLISHED_MODELS = {
    name for name, spec in CANDIDATE_MODELS.items() if spec.is_served or name in RECOMMENDER_CHANNELS["two_stage"]
}
SERVED_MODELS = {*PUBLISHED_MODELS, "two_stage"}  # nothing is published without them


def build_model_type(name: str, model_class: type[Any]) -> dg.DagsterType:
    """The type of a stored model: an object of `model_class`, or an UnfittedModel if the site does not serve it."""
    allowed = (model_class,) if name in SERVED_MODELS else (model_class, UnfittedModel)
    return dg.DagsterType(lambda _, value: isinstance(value, allowed), f"{name}_model", typing_type=model_class)


# Dagster wants one type object to a name; the I/O manager reads from it which class to load.
MODEL_TYPES = {name: build_model_type(name, spec.model_class) for name, spec in CANDIDATE_MODELS.items()}


def get_asset_name(model: str, cut: str) -> str:
    """The name of a model's asset at a cut: `ials` at the cut `all`, else `ials_known` and so on."""
    return model if cut == "all" else f"{model}_{cut}"


def build_model_inputs(models: Iterable[str], cut: str) -> dict[str, dg.AssetIn]:
    """The named models, fitted at a cut, as asset inputs; each input has the model's name."""
    return {name: dg.AssetIn(get_asset_name(name, cut), dagster_type=MODEL_TYPES[name]) for name in models}


def fit_or_report(context: dg.AssetExecutionContext, name: str, fit: Callable[[], T]) -> T | UnfittedModel:
    """`try_to_fit` for an asset of one model: the reason also stands in the asset's metadata."""
    fitted = try_to_fit(context, name, fit, sample=context.partition_key)
    report_left_out(context, [fitted])
    return fitted


def try_to_fit(context: dg.AssetExecutionContext, name: str, fit: Callable[[], T], *, sample: str) -> T | UnfittedModel:
    """Returns what `fit` returns, or, if it fails for a model or recommender that is not served, the reason.

    The error is logged with its traceback. Raises what `fit` raised if `name` is one of SERVED_MODELS.
    """
    try:
        return fit()
    except Exception as error:
        if name in SERVED_MODELS:
            raise
        unfitted = UnfittedModel(name, f"{type(error).__name__}: {error}")
        context.log.error(
            f"{context.asset_key.to_user_string()}: {name} could not be fitted ({unfitted.reason}). The site does not "
            "serve it, so the run continues without it. Correct the data or the model, then run "
            f"`make pipeline SAMPLE={sample}`",
            exc_info=True,
        )
        return unfitted


def report_left_out(context: dg.AssetExecutionContext, models: Iterable[object]) -> None:
    """Writes into the asset's metadata which of the models are left out, and why."""
    unfitted = [each for each in models if isinstance(each, UnfittedModel)]
    if unfitted:
        context.add_output_metadata({"left_out": "; ".join(f"{each.name}: {each.reason}" for each in unfitted)})


def list_cuts(model: str) -> list[str]:
    """The cuts at which a model is fitted, in the order of CUTS: `all` only if it is published."""
    return [cut for cut in CUTS if cut != "all" or model in PUBLISHED_MODELS]


def _build_candidate_asset(name: str, cut: str) -> dg.AssetsDefinition:
    spec = CANDIDATE_MODELS[name]
    is_validated = cut == "history"
    reads_split = {"split": dg.AssetIn()} if is_validated or spec.reads_content else {}
    reads_movies = dict.fromkeys(("movies", "tags"), dg.AssetIn()) if spec.reads_content else {}
    reads_tuned = {"tuned": dg.AssetIn(dagster_type=TUNED_TYPE)} if spec.space else {}

    @dg.asset(
        name=get_asset_name(name, cut),
        description=f"{spec.model_class.__doc__} Fitted on {' + '.join(CUTS[cut])}, {PURPOSE_OF_CUT[cut]}.",
        ins=interactions_input(cut) | reads_split | reads_movies | reads_tuned,
        partitions_def=sample_partitions,
        group_name="candidates",
        kinds={"python", "numpy"},
        owners=["team:ml"],
        dagster_type=MODEL_TYPES[name],
        io_manager_key="models",
        pool="training",
    )
    def candidate_model(
        context: dg.AssetExecutionContext, interactions: Interactions, tracking: MlflowTracking, **given: Any
    ) -> CandidateModel | UnfittedModel:
        params = given["tuned"].get_params(name) if reads_tuned else None

        def fit() -> CandidateModel:
            content = (
                {"content": _build_content_vectors(cut, given["split"], given["movies"], given["tags"])}
                if reads_movies
                else {}
            )
            return spec.fit(interactions, params, **content)

        started = time.perf_counter()
        with PeakMemory() as memory:
            model = fit_or_report(context, name, fit)
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


candidate_models = [_build_candidate_asset(name, cut) for name in CANDIDATE_MODELS for cut in list_cuts(name)]
