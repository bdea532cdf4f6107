"""Ablation: how nDCG@10 changes without a group of features, with new features, or with other negatives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl

from movierec.data.interactions import Float32Array
from movierec.evaluation.bootstrap import Interval, bootstrap_mean
from movierec.experiments.rejected_features import (
    RANDOM_SEED,
    build_extra_negatives,
    compute_content_likeness,
    compute_popularity_windows,
    compute_tag_affinity,
)
from movierec.experiments.validation import VALIDATION_CHANNELS, FeatureMaker, Validation
from movierec.features.definitions import BASE_DEFINITIONS, Group
from movierec.recommender.training_rows import list_ranker_features


def list_feature_groups() -> dict[str, Callable[[str], bool]]:
    """Groups of features by name; each is a function that tells whether a feature belongs to it."""
    signals = [name for name in list_ranker_features(VALIDATION_CHANNELS) if name.startswith(VALIDATION_CHANNELS)]
    return {
        **{group.value: _belongs_to(group) for group in Group if group != Group.TMDB},
        "the last 5 and 20 ratings": lambda name: "_last" in name,
        "scores": lambda name: name in signals and name.endswith("_score"),
        "ranks": lambda name: name in signals and name.endswith("_rank"),
        "standardised scores": lambda name: name in signals and name.endswith("_z"),
        **{f"{channel}'s signals": _starts_with(channel) for channel in VALIDATION_CHANNELS},
    }


def _belongs_to(group: Group) -> Callable[[str], bool]:
    names = {feature.name for feature in BASE_DEFINITIONS if feature.group == group}
    return lambda name: name in names


def _starts_with(channel: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(channel)


class Variant(NamedTuple):
    """Changed training `rows`, and values of new features for the candidates to be ranked.

    With `extra_features` the last columns of `rows` are the new features.
    """

    rows: pl.DataFrame
    extra_features: Float32Array | None = None


def run_ablation(
    validation: Validation,
    movies: pl.LazyFrame,
    tags: pl.LazyFrame,
    *,
    seeds: Sequence[int],
    report_progress: Callable[[str], None],
) -> dict[str, Interval]:
    """By name of the change the paired difference in mean nDCG@10 to the unchanged ranker; under "" the unchanged
    value.

    `report_progress` is called with the name of each variant before it is measured.
    """
    whole = validation.compute_ndcg(validation.rows, seeds)
    found = {"": bootstrap_mean(whole)}
    for name, variant in build_variants(validation, movies, tags).items():
        report_progress(name)
        found[name] = bootstrap_mean(
            validation.compute_ndcg(variant.rows, seeds, extra_features=variant.extra_features) - whole
        )
    return found


def build_variants(validation: Validation, movies: pl.LazyFrame, tags: pl.LazyFrame) -> dict[str, Variant]:
    """Variants by name: without a group of features, with new features, with other negatives, with other gains."""
    rows = validation.rows
    without = {
        f"without {group}": rows.drop([name for name in rows.columns if belongs(name)])
        for group, belongs in list_feature_groups().items()
    }
    features: dict[str, FeatureMaker] = {
        "with popularity in the last 90, 365, 1,095 days": compute_popularity_windows,
        "with content similarity to liked movies": partial(compute_content_likeness, movies, tags),
        "with tag affinity": partial(compute_tag_affinity, tags),
    }
    more = {name: Variant(*validation.add_features(make)) for name, make in features.items()}
    more["with all of these"] = Variant(
        *validation.add_features(lambda *of: _merge_features(make(*of) for make in features.values()))
    )
    gain = {
        "gain: 0 for movies rated below the relevance threshold": rows.with_columns(
            gain=pl.col("relevant").cast(pl.Float32)
        )
    }
    return {
        name: Variant(table) for name, table in (without | gain | _build_negative_variants(validation)).items()
    } | more


def _merge_features(parts: Iterable[Mapping[str, Float32Array]]) -> dict[str, Float32Array]:
    return {name: values for part in parts for name, values in part.items()}


def _build_negative_variants(validation: Validation) -> dict[str, pl.DataFrame]:
    rows = validation.rows
    marked = rows.join(
        validation.disliked.with_columns(low=pl.lit(value=True)), on=["user_id", "movie_id"], how="left"
    ).with_columns(pl.col("low").fill_null(value=False))
    some = pl.Series(np.random.default_rng(RANDOM_SEED).random(len(rows)) < 0.3)
    first = pl.int_range(pl.len()).over("user_id") < 30
    beyond = build_extra_negatives(validation)
    return {
        "negatives: the first 30 candidates": rows.filter(pl.col("relevant") | first),
        "negatives: a random 30 % of the candidates": rows.filter(pl.col("relevant") | some),
        "negatives: only candidates rated low, if there are any": marked.filter(
            ~pl.col("low").any().over("user_id") | pl.col("relevant") | pl.col("low")
        ).drop("low"),
        "negatives: 30 more at random from the whole catalogue": _concat_by_user(rows, beyond["lot"]),
        "negatives: also movies rated low that are not candidates": _concat_by_user(rows, beyond["low"]),
    }


def _concat_by_user(*tables: pl.DataFrame) -> pl.DataFrame:
    """The tables in one, with the rows of a user next to each other."""
    return pl.concat(tables).sort("user_id", maintain_order=True)
