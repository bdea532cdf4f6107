"""Ablation: what the ranker loses without a group of its features, or gains by other negatives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl

from movierec.data.interactions import Scores
from movierec.evaluation.bootstrap import Interval, bootstrap
from movierec.experiments.rejected_features import SEED, likeness, negatives_beyond, popularity_windows, tag_affinity
from movierec.experiments.validation import CHANNELS, Maker, Validation
from movierec.features.definitions import BASE_DEFINITIONS, Group
from movierec.recommender.training_rows import ranker_features


def groups() -> dict[str, Callable[[str], bool]]:
    """Groups of features by name, each as the question whether a feature belongs to it."""
    signals = [name for name in ranker_features(CHANNELS) if name.startswith(CHANNELS)]
    return {
        **{group.value: _belongs_to(group) for group in Group if group != Group.TMDB},
        "the last 5 and 20 ratings": lambda name: "_last" in name,
        "scores": lambda name: name in signals and name.endswith("_score"),
        "ranks": lambda name: name in signals and name.endswith("_rank"),
        "standardised scores": lambda name: name in signals and name.endswith("_z"),
        **{f"{channel}'s signals": _starts_with(channel) for channel in CHANNELS},
    }


def _belongs_to(group: Group) -> Callable[[str], bool]:
    names = {feature.name for feature in BASE_DEFINITIONS if feature.group == group}
    return lambda name: name in names


def _starts_with(channel: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(channel)


class Variant(NamedTuple):
    """`rows` to learn from; with `more` the last of their columns are new, and this is what they say when ranking."""

    rows: pl.DataFrame
    more: Scores | None = None


def ablation(
    validation: Validation,
    movies: pl.LazyFrame,
    tags: pl.LazyFrame,
    *,
    seeds: Sequence[int],
    told: Callable[[str], None],
) -> dict[str, Interval]:
    """The mean nDCG@10 of the whole, then by name of what was changed the paired difference to it."""
    whole = validation.ndcg(validation.rows, seeds)
    found = {"": bootstrap(whole)}
    for name, variant in variants(validation, movies, tags).items():
        told(name)
        found[name] = bootstrap(validation.ndcg(variant.rows, seeds, more=variant.more) - whole)
    return found


def variants(validation: Validation, movies: pl.LazyFrame, tags: pl.LazyFrame) -> dict[str, Variant]:
    """By name: less features, more features, other negatives."""
    rows = validation.rows
    without = {
        f"without {group}": rows.drop([name for name in rows.columns if belongs(name)])
        for group, belongs in groups().items()
    }
    features: dict[str, Maker] = {
        "with popularity in the last 90, 365, 1,095 days": popularity_windows,
        "with content similarity to liked movies": partial(likeness, movies, tags),
        "with tag affinity": partial(tag_affinity, tags),
    }
    more = {name: Variant(*validation.with_features(make)) for name, make in features.items()}
    more["with all of these"] = Variant(
        *validation.with_features(lambda *of: _all(make(*of) for make in features.values()))
    )
    gain = {
        "gain: 0 for movies rated below the relevance threshold": rows.with_columns(
            gain=pl.col("relevant").cast(pl.Float32)
        )
    }
    return {name: Variant(table) for name, table in (without | gain | _negatives(validation)).items()} | more


def _all(parts: Iterable[Mapping[str, Scores]]) -> dict[str, Scores]:
    return {name: values for part in parts for name, values in part.items()}


def _negatives(validation: Validation) -> dict[str, pl.DataFrame]:
    rows = validation.rows
    marked = rows.join(
        validation.disliked.with_columns(low=pl.lit(value=True)), on=["user_id", "movie_id"], how="left"
    ).with_columns(pl.col("low").fill_null(value=False))
    some = pl.Series(np.random.default_rng(SEED).random(len(rows)) < 0.3)
    first = pl.int_range(pl.len()).over("user_id") < 30
    beyond = negatives_beyond(validation)
    return {
        "negatives: the first 30 candidates": rows.filter(pl.col("relevant") | first),
        "negatives: a random 30 % of the candidates": rows.filter(pl.col("relevant") | some),
        "negatives: only candidates rated low, if there are any": marked.filter(
            ~pl.col("low").any().over("user_id") | pl.col("relevant") | pl.col("low")
        ).drop("low"),
        "negatives: 30 more at random from the whole catalogue": _together(rows, beyond["lot"]),
        "negatives: also movies rated low that are not candidates": _together(rows, beyond["low"]),
    }


def _together(*tables: pl.DataFrame) -> pl.DataFrame:
    """A user's rows beside each other."""
    return pl.concat(tables).sort("user_id", maintain_order=True)
