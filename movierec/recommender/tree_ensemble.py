"""CatBoost's trees as arrays: scores and SHAP values without importing CatBoost (80 MB and half a second)."""

from dataclasses import dataclass
from functools import cached_property
from math import factorial
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

ARRAY_NAMES = ("features", "borders", "leaves", "weights")


@dataclass(frozen=True)
class TreeEnsemble:
    """Oblivious trees: all nodes of a level compare the same feature with the same border.

    `features` and `borders` are levels x trees, `leaves` trees x 2^levels. If the feature is above the border, the
    level's bit in the number of the leaf is set; a missing value is above no border. A row's score is the sum of its
    leaves over the trees. `weights`, in the shape of `leaves`, are the total weights of the training rows in each leaf.
    """

    features: npt.NDArray[np.intp]
    borders: npt.NDArray[np.float32]
    leaves: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]

    @classmethod
    def from_catboost_json(cls, model_json: dict[str, Any]) -> Self:
        """From CatBoost's JSON format.

        Raises ValueError unless all trees are oblivious, over numbers, with missing values low.
        """
        trees = model_json.get("oblivious_trees", [])
        floats = model_json["features_info"].get("float_features", [])
        scale, (bias,) = model_json["scale_and_bias"]
        odd = [each["nan_value_treatment"] for each in floats if each["nan_value_treatment"] == "AsTrue"]
        if not trees or odd or any(s["split_type"] != "FloatFeature" for tree in trees for s in tree["splits"]):
            raise ValueError("only oblivious trees over numbers, where what is missing is low, can be read")
        levels = max(len(tree["splits"]) for tree in trees)
        features = np.zeros((levels, len(trees)), dtype=np.intp)
        borders = np.full((levels, len(trees)), np.inf, dtype=np.float32)  # nothing lies above where a tree has ended
        leaves = np.zeros((len(trees), 2**levels))
        weights = np.zeros_like(leaves)
        for at, tree in enumerate(trees):
            for level, split in enumerate(tree["splits"]):
                features[level, at] = floats[split["float_feature_index"]]["flat_feature_index"]
                borders[level, at] = split["border"]
            leaves[at, : len(tree["leaf_values"])] = tree["leaf_values"]
            weights[at, : len(tree["leaf_weights"])] = tree["leaf_weights"]
        leaves *= scale
        leaves[0] += bias
        return cls(features, borders, leaves, weights)

    def score(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The score of each row of `matrix` (rows x features), float64."""
        at = self._find_leaves(matrix) + np.arange(0, self.leaves.size, self.leaves.shape[1])[:, None]
        scores: npt.NDArray[np.float64] = self.leaves.ravel()[at].sum(axis=0)
        return scores

    def compute_shap_values(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """SHAP values of each feature: rows x (features + 1); the last column is the expected score. A row sums to its
        score.

        Exact path-dependent TreeSHAP (Lundberg, Erion, Lee 2018): a split on a hidden feature averages both branches by
        their training weight.
        """
        trees = np.arange(len(self.leaves))[:, None]
        parts = self._leaf_contributions[:, trees, self._find_leaves(matrix)]  # levels x trees x rows
        n_rows, n_columns = matrix.shape
        cell = np.arange(n_rows) * (n_columns + 1) + self.features[:, :, None]
        sums = np.bincount(cell.ravel(), weights=parts.ravel(), minlength=n_rows * (n_columns + 1))
        values = sums.astype(np.float64, copy=False).reshape(n_rows, n_columns + 1)
        values[:, -1] = np.average(self.leaves, axis=1, weights=self.weights).sum()
        return values

    def _find_leaves(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
        """The leaf of each row in each tree: trees x rows. CatBoost's trees have at most 16 levels."""
        columns = np.ascontiguousarray(matrix.T)
        leaf = np.zeros((len(self.leaves), len(matrix)), dtype=np.uint16)
        for level, (features, borders) in enumerate(zip(self.features, self.borders, strict=True)):
            leaf |= (columns[features] > borders[:, None]).astype(np.uint16) << np.uint16(level)
        return leaf

    @cached_property
    def _leaf_contributions(self) -> npt.NDArray[np.float64]:
        """The SHAP value of each level's feature in each leaf: levels x trees x leaves.

        If several levels use the same feature, all of its value stands at the first of them.
        """
        levels, trees = self.features.shape
        known = np.arange(2**levels)  # sets of levels, as bits
        first = (self.features[:, None] == self.features[None]).argmax(axis=1)  # levels x trees
        closed = np.bitwise_or.reduce(
            ((known[:, None, None] >> first) & 1) << np.arange(levels)[:, None], axis=1
        )  # with a level, all that ask for its feature; the others change nothing: sets x trees
        expected = np.stack([self._compute_expected_leaves(levels_known) for levels_known in known])
        expected = expected[closed, np.arange(trees)]
        sizes = np.bitwise_count(known)
        parts = np.empty((levels, *self.leaves.shape))
        for level, part in enumerate(parts):
            without = known[(known >> level) & 1 == 0]
            share = [factorial(n) * factorial(levels - n - 1) / factorial(levels) for n in sizes[without].tolist()]
            part[:] = np.tensordot(share, expected[without | 1 << level] - expected[without], axes=1)
        return parts

    def _compute_expected_leaves(self, known_levels: int) -> npt.NDArray[np.float64]:
        """The expected score of each leaf if only the levels in the bit set `known_levels` are known: trees x leaves.

        The last level is the root.
        """
        levels = len(self.features)
        cube = (len(self.leaves), *[2] * levels)
        values, weights = self.leaves.reshape(cube), self.weights.reshape(cube)
        for level in range(levels):
            axis = levels - level
            both = weights.sum(axis=axis, keepdims=True)
            if not known_levels >> level & 1:
                shares = np.divide(weights, both, out=np.full_like(weights, 0.5), where=both > 0)
                values = (values * shares).sum(axis=axis, keepdims=True)
            weights = both
        return np.broadcast_to(values, cube).reshape(self.leaves.shape)

    def save(self, folder: Path) -> None:
        """Writes one .npy file per array into `folder`, which must exist."""
        for name in ARRAY_NAMES:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        return cls(*(np.load(folder / f"{name}.npy") for name in ARRAY_NAMES))
