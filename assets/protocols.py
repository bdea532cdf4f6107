"""Evaluation protocols: each has its own split and, based on it, its own fits, rankers and result tables."""

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any, NamedTuple

import dagster as dg
import polars as pl

from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.sampling import SAMPLES
from movierec.data.splitting import SPLIT_DESCRIPTIONS, can_split_by_time, split_by_time, split_by_user
from movierec.experiments.tuning import TunedParams
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS

PARQUET_KINDS = frozenset({"polars", "parquet"})
sample_partitions = dg.StaticPartitionsDefinition(list(SAMPLES))


class EvaluationProtocol(NamedTuple):
    """A way to split and measure; `split_ratings` adds the column `part`, `description` says how in one sentence.

    `prefix` is put before the keys of the protocol's assets and is also their group. Without a prefix each asset has
    the group of its kind.
    """

    name: str
    prefix: str | None
    description: str
    split_ratings: Callable[[pl.LazyFrame], pl.LazyFrame]

    def build_key(self, asset: str) -> dg.AssetKey:
        """The key of the asset with this plain name under this protocol."""
        return dg.AssetKey([self.prefix, asset] if self.prefix else [asset])

    def build_inputs(self, assets: Iterable[str]) -> dict[str, dg.AssetIn]:
        """The named assets of this protocol as asset inputs; each input has the plain name."""
        return {name: dg.AssetIn(self.build_key(name)) for name in assets}

    def can_measure(self, split: pl.LazyFrame) -> bool:
        """False only for global time on ratings with fewer than three different times."""
        return self.prefix is None or can_split_by_time(split)

    def asset(
        self,
        name: str,
        *,
        group: str,
        kinds: Set[str] = PARQUET_KINDS,
        owners: Sequence[str] = ("team:ml",),
        **options: Any,
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Decorator like `dg.asset`, with the key and the group that an asset of this name has under this protocol."""
        made: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
            key=self.build_key(name),
            partitions_def=sample_partitions,
            group_name=self.prefix or group,
            kinds=kinds,
            owners=owners,
            **options,
        )
        return made


PER_USER = EvaluationProtocol("per_user", None, SPLIT_DESCRIPTIONS["per_user"], split_by_user)
GLOBAL_TIME = EvaluationProtocol("global_time", "global_time", SPLIT_DESCRIPTIONS["global_time"], split_by_time)
PROTOCOLS = (PER_USER, GLOBAL_TIME)


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
INTERACTIONS = dg.PythonObjectDagsterType(Interactions, name="interactions")

TUNED_TYPE = dg.PythonObjectDagsterType(TunedParams, name="tuned_parameters")


def build_tuned_input(protocol: EvaluationProtocol) -> dict[str, dg.AssetIn]:
    """The asset `tuned` as an input, for the protocol `per_user` only.

    It was tuned on labels that lie after the cuts of global time, so reading it there would leak the future.
    """
    return {"tuned": dg.AssetIn(dagster_type=TUNED_TYPE)} if protocol is PER_USER else {}


def interactions_input(protocol: EvaluationProtocol, cut: str) -> dict[str, dg.AssetIn]:
    """The ratings known at a cut as the input `interactions` of an asset."""
    return {"interactions": dg.AssetIn(protocol.build_key(f"interactions_{cut}"), dagster_type=INTERACTIONS)}


def count_interactions(interactions: Interactions) -> dict[str, int]:
    """The size of what a model was fitted on, as the asset's metadata shows it."""
    users, movies = interactions.user_items.shape
    return {"users": users, "movies": movies, "ratings": interactions.user_items.nnz}


def get_asset_name(model: str, cut: str) -> str:
    """The name of a model's asset at a cut: `ials` at the cut `all`, else `ials_known` and so on."""
    return model if cut == "all" else f"{model}_{cut}"


def build_model_inputs(protocol: EvaluationProtocol, models: Iterable[str], cut: str) -> dict[str, dg.AssetIn]:
    """The named models, fitted at a cut, as asset inputs; each input has the model's name."""
    return {
        name: dg.AssetIn(protocol.build_key(get_asset_name(name, cut)), dagster_type=MODEL_TYPES[name])
        for name in models
    }
