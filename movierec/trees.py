"""CatBoost's trees as arrays: a few rows are scored without CatBoost, which takes 80 MB and half a second to import."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ARRAYS = ("features", "borders", "leaves")


@dataclass(frozen=True)
class Trees:
    """Oblivious trees: all nodes of a level ask the same question, whether a feature lies above a border.

    `features` and `borders` are levels x trees, `leaves` trees x 2^levels. Each yes sets the bit of its level in the
    number of the leaf; a missing value lies above no border. A row's score is the sum of its leaves.
    """

    features: npt.NDArray[np.intp]
    borders: npt.NDArray[np.float32]
    leaves: npt.NDArray[np.float64]

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """From what CatBoost writes as JSON. Raises ValueError for a model that is not made of such trees."""
        trees = described.get("oblivious_trees", [])
        floats = described["features_info"].get("float_features", [])
        scale, (bias,) = described["scale_and_bias"]
        odd = [each["nan_value_treatment"] for each in floats if each["nan_value_treatment"] == "AsTrue"]
        if not trees or odd or any(s["split_type"] != "FloatFeature" for tree in trees for s in tree["splits"]):
            raise ValueError("only oblivious trees over numbers, where what is missing is low, can be read")
        levels = max(len(tree["splits"]) for tree in trees)
        features = np.zeros((levels, len(trees)), dtype=np.intp)
        borders = np.full((levels, len(trees)), np.inf, dtype=np.float32)  # nothing lies above where a tree has ended
        leaves = np.zeros((len(trees), 2**levels))
        for at, tree in enumerate(trees):
            for level, split in enumerate(tree["splits"]):
                features[level, at] = floats[split["float_feature_index"]]["flat_feature_index"]
                borders[level, at] = split["border"]
            leaves[at, : len(tree["leaf_values"])] = tree["leaf_values"]
        leaves *= scale
        leaves[0] += bias
        return cls(features, borders, leaves)

    def score(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """A score for each row of `matrix`, whose columns are the features."""
        columns = np.ascontiguousarray(matrix.T)
        leaf = np.zeros((len(self.leaves), len(matrix)), dtype=np.intp)
        for level, (features, borders) in enumerate(zip(self.features, self.borders, strict=True)):
            leaf |= (columns[features] > borders[:, None]).astype(np.intp) << level
        scores: npt.NDArray[np.float64] = np.take_along_axis(self.leaves, leaf, axis=1).sum(axis=0)
        return scores

    def save(self, folder: Path) -> None:
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*(np.load(folder / f"{name}.npy") for name in ARRAYS))
