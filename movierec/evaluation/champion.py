"""The champion: the published bundle, and the figures that a new bundle (the challenger) is compared with."""

import json
import time
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import polars as pl

from movierec.bundles.bundle import BundleError, current_version
from movierec.bundles.versioned_folders import as_bundle_error
from movierec.data.splitting import SPLIT_DESCRIPTION
from movierec.evaluation.holdout import KNOWN_USERS
from movierec.recommender.two_stage import Recommender

N_TIMED_USERS = 20


class Champion(TypedDict):
    """What a challenger is compared with; the keys are parameters of `promotion.judge_challenger`.

    `champion` has the columns user_id and ndcg_at_10, None if there is nothing to compare with.
    """

    champion: pl.DataFrame | None
    champion_coverage: float
    champion_seconds: float | None


def load_champion(home: Path, *, data_version: str, split: str) -> Champion:
    """The figures of the published bundle, if it was measured on the same split; otherwise empty figures.

    Scores of the windows of the back-test are compared window by window. Other scores must be of the same data.

    The scores also count if this code can no longer open the recommender; then its answer time is None. A bundle whose
    files are broken gives empty figures.
    """
    folder = current_version(home)
    nobody: Champion = {"champion": None, "champion_coverage": 0.0, "champion_seconds": None}
    if folder is None:
        return nobody
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        if manifest["split"] != split or (split == SPLIT_DESCRIPTION and manifest["source"]["version"] != data_version):
            return nobody
        return {
            "champion": pl.read_parquet(folder / "scores.parquet"),
            "champion_coverage": get_coverage(manifest["metrics"], manifest["serves"]),
            "champion_seconds": _measure_bundle_seconds(folder),
        }
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        return nobody  # a broken bundle defends nothing


def _measure_bundle_seconds(folder: Path) -> float | None:
    try:
        with as_bundle_error(folder):
            return measure_answer_seconds(Recommender.load(folder / "recommender"))
    except BundleError:
        return None  # made by other code, as after every change of the features


def measure_answer_seconds(recommender: Recommender) -> float:
    """The median time to answer one user, in seconds, over N_TIMED_USERS different users."""
    users = recommender.interactions.user_ids
    asked = users[:: max(1, len(users) // N_TIMED_USERS)][:N_TIMED_USERS]
    taken = []
    for user_id in asked.tolist():
        started = time.perf_counter()
        recommender.recommend_for_user(user_id, n=20)
        taken.append(time.perf_counter() - started)
    return float(np.median(taken))


def get_coverage(evaluation_rows: list[dict[str, Any]], model: str) -> float:
    """Coverage@10 of a model for known users, from the rows of the asset `sitting_evaluation`."""
    wanted = (KNOWN_USERS, model, "coverage_at_10")
    (value,) = (row["value"] for row in evaluation_rows if (row["segment"], row["model"], row["metric"]) == wanted)
    return float(value)
