"""Fits that may fail: a model that the site does not serve is reported and left out, any other stops the run."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import dagster as dg

from assets.protocols import SERVED_MODELS
from movierec.candidates.unfitted import UnfittedModel

T = TypeVar("T")


def fit_or_report(context: dg.AssetExecutionContext, name: str, fit: Callable[[], T]) -> T | UnfittedModel:
    """Returns what `fit` returns, or, if it fails for a model or recommender that is not served, the reason.

    The error is logged with its traceback and stands in the asset's metadata. Raises what `fit` raised if `name` is one
    of SERVED_MODELS.
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
            f"`make pipeline SAMPLE={context.partition_key}`",
            exc_info=True,
        )
        report_left_out(context, [unfitted])
        return unfitted


def report_left_out(context: dg.AssetExecutionContext, models: Iterable[object]) -> None:
    """Writes into the asset's metadata which of the models are left out, and why."""
    unfitted = [each for each in models if isinstance(each, UnfittedModel)]
    if unfitted:
        context.add_output_metadata({"left_out": "; ".join(f"{each.name}: {each.reason}" for each in unfitted)})
