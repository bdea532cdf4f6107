"""The champion: what is published now, and what a challenger must not fall behind."""

import json
import time
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import polars as pl

from assets.protocols import PER_USER
from movierec.bundles.bundle import BundleError, current
from movierec.bundles.versioned_folders import opening
from movierec.evaluation.holdout import KNOWN
from movierec.recommender.two_stage import Recommender
from resources.sources.dataset import Dataset

TIMED = 20


class Champion(TypedDict):
    """What a challenger is measured against, as `promotion.contest` takes it."""

    champion: pl.DataFrame | None
    champion_coverage: float
    champion_seconds: float | None


def champion(home: Path, dataset: Dataset) -> Champion:
    """The published bundle's scores, where it was measured on the same data and split.

    They stand though this code cannot open its recommender; how fast that answers is then not known.
    """
    folder = current(home)
    nobody: Champion = {"champion": None, "champion_coverage": 0.0, "champion_seconds": None}
    if folder is None:
        return nobody
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        if (manifest["source"]["version"], manifest["split"]) != (dataset.version, PER_USER.told):
            return nobody
        return {
            "champion": pl.read_parquet(folder / "scores.parquet"),
            "champion_coverage": coverage_of(manifest["metrics"], manifest["serves"]),
            "champion_seconds": _seconds_of(folder),
        }
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return nobody  # a broken bundle defends nothing


def _seconds_of(folder: Path) -> float | None:
    try:
        with opening(folder):
            return seconds_for_one(Recommender.load(folder / "recommender"))
    except BundleError:
        return None  # made by other code, as after every change of the features


def seconds_for_one(recommender: Recommender) -> float:
    """The median time of TIMED answers, each for another user."""
    users = recommender.interactions.user_ids
    asked = users[:: max(1, len(users) // TIMED)][:TIMED]
    taken = []
    for user_id in asked.tolist():
        started = time.perf_counter()
        recommender.for_user(user_id, n=20)
        taken.append(time.perf_counter() - started)
    return float(np.median(taken))


def coverage_of(rows: list[dict[str, Any]], model: str) -> float:
    """A model's coverage@10 for known users in the rows of `evaluation`."""
    wanted = (KNOWN, model, "coverage_at_10")
    (value,) = (row["value"] for row in rows if (row["segment"], row["model"], row["metric"]) == wanted)
    return float(value)
