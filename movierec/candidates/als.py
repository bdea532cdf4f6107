"""ALS on explicit ratings: predicts how many stars a user would give (ALS-WR; Zhou, Wilkinson, Schreiber, Pan 2008)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.candidates.least_squares import RotatedFactors, solve_rows
from movierec.data.interactions import Float32Array, Ids, Interactions


@dataclass(frozen=True)
class ALSParams:
    """`regularization` is per rating of a row; biases are means shrunk as if by `shrinkage` ratings at the mean."""

    factors: int = 32
    iterations: int = 10
    regularization: float = 0.1
    shrinkage: float = 10.0
    seed: int = 7


@dataclass(frozen=True)
class ALS:
    """Predicted rating: overall mean + user bias + movie bias + product of the factors.

    Minimises the squared error over the observed ratings + regularisation, alternating between users and movies, each
    step in closed form. Movies that are not rated have no influence, so it ranks by quality more than by interest.
    `item_biases` include the overall mean. Scores leave the user bias out: it does not change the order.
    """

    movie_ids: Ids
    params: ALSParams
    item_biases: Float32Array
    item_factors: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: ALSParams | None = None) -> Self:
        p = params or ALSParams()
        ratings = interactions.user_items
        mean = float(ratings.data.mean())
        by_item = ratings.T.tocsr()
        item_biases = _compute_shrunk_means(by_item, by_item.data - mean, p.shrinkage) + np.float32(mean)
        residuals = _subtract_biases(ratings, item_biases, p.shrinkage)
        by_item = residuals.T.tocsr()
        half_step = partial(_solve_half_step, regularization=p.regularization)
        items = np.random.default_rng(p.seed).normal(0, 0.1, (len(item_biases), p.factors)).astype(np.float32)
        for _ in range(p.iterations):
            items = half_step(by_item, half_step(residuals, items))
        return cls(interactions.movie_ids, p, item_biases, items)

    def score(self, interactions: Interactions) -> Float32Array:
        p = self.params
        residuals = _subtract_biases(interactions.user_items, self.item_biases, p.shrinkage)
        users = _solve_half_step(residuals, np.asarray(self.item_factors), regularization=p.regularization)
        scores: Float32Array = users @ self.item_factors.T + self.item_biases  # a user's bias changes no order
        return scores

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, item_biases=self.item_biases, item_factors=self.item_factors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, ALSParams, "item_biases", "item_factors"))


def _solve_half_step(residuals: sp.csr_array, fixed: Float32Array, *, regularization: float) -> Float32Array:
    counts = np.diff(residuals.indptr).astype(np.float32)
    ones = sp.csr_array((np.ones_like(residuals.data), residuals.indices, residuals.indptr), shape=residuals.shape)
    return solve_rows(ones, RotatedFactors.from_factors(fixed), penalty=regularization * counts, targets=residuals.data)


def _subtract_biases(ratings: sp.csr_array, item_biases: Float32Array, shrinkage: float) -> sp.csr_array:
    """The residual of each rating after the movie's bias and the user's bias, as a matrix of the same entries."""
    left = ratings.data - item_biases[ratings.indices]
    left -= np.repeat(_compute_shrunk_means(ratings, left, shrinkage), np.diff(ratings.indptr))
    return sp.csr_array((left.astype(np.float32), ratings.indices, ratings.indptr), shape=ratings.shape)


def _compute_shrunk_means(matrix: sp.csr_array, values: npt.NDArray[np.floating], shrinkage: float) -> Float32Array:
    """The mean of `values` over each row of `matrix`, as if the row had `shrinkage` further values of 0.

    `values` has one number per entry of `matrix`.
    """
    counts = np.diff(matrix.indptr)
    sums = np.bincount(np.repeat(np.arange(len(counts)), counts), weights=values, minlength=len(counts))
    return (sums / (counts + shrinkage)).astype(np.float32)
