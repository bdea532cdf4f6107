"""The ways of measuring: each has its own split, and below it its own fits, rankers and tables."""

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
    """`prefix` stands before the names of its assets and is their group; without one each has a group by its kind."""

    name: str
    prefix: str | None
    description: str
    split_ratings: Callable[[pl.LazyFrame], pl.LazyFrame]

    def build_key(self, asset: str) -> dg.AssetKey:
        return dg.AssetKey([self.prefix, asset] if self.prefix else [asset])

    def build_inputs(self, assets: Iterable[str]) -> dict[str, dg.AssetIn]:
        """The named assets of this protocol as inputs under their plain names."""
        return {name: dg.AssetIn(self.build_key(name)) for name in assets}

    def can_measure(self, split: pl.LazyFrame) -> bool:
        """False for global time where no two moments cut the ratings in three."""
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
        """`dg.asset` with the key and the group that an asset of this plain name has under this protocol."""
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
    """`tuned` where it may be read: what was tuned per user has seen labels from after the moments of global time."""
    return {"tuned": dg.AssetIn(dagster_type=TUNED_TYPE)} if protocol is PER_USER else {}


def interactions_input(protocol: EvaluationProtocol, cut: str) -> dict[str, dg.AssetIn]:
    """The ratings known at a cut as the input `interactions` of an asset."""
    return {"interactions": dg.AssetIn(protocol.build_key(f"interactions_{cut}"), dagster_type=INTERACTIONS)}


def get_asset_name(model: str, cut: str) -> str:
    return model if cut == "all" else f"{model}_{cut}"


def build_model_inputs(protocol: EvaluationProtocol, models: Iterable[str], cut: str) -> dict[str, dg.AssetIn]:
    """The named models at a cut as inputs of an asset, each under its own name."""
    return {
        name: dg.AssetIn(protocol.build_key(get_asset_name(name, cut)), dagster_type=MODEL_TYPES[name])
        for name in models
    }
