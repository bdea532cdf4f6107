"""EASE: a linear item-item model in closed form (Steck 2019, "Embarrassingly shallow autoencoders")."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Indices, Interactions, binarize_likes


@dataclass(frozen=True)
class EASEParams:
    """Only the `max_movies` most liked movies take part: memory grows with the square of their number (5,000 take 50
    MB).

    Ratings from `min_rating` count as liked.
    """

    regularization: float = 170.0
    min_rating: float = 4.0
    max_movies: int = 5_000


@dataclass(frozen=True)
class EASE:
    """A movie's score is the sum of its weights to the movies that the user liked; -inf for movies that do not take
    part.

    `weights` is movies x movies, int16; `scale` (one per column) turns it into the real weights. That takes half the
    memory of float32, and sums of integers do not depend on their order. `columns` are the movie columns that take
    part.
    """

    movie_ids: Ids
    params: EASEParams
    columns: Indices
    weights: npt.NDArray[np.int16]
    scale: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: EASEParams | None = None) -> Self:
        p = params or EASEParams()
        matrix = binarize_likes(interactions.user_items, p.min_rating)
        counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
        columns = np.sort(np.argsort(-counts, kind="stable")[: p.max_movies])
        weights = compute_weights(matrix[:, columns].astype(np.float64), p.regularization)
        scale: Float32Array = np.maximum(np.abs(weights).max(axis=0, initial=0), 1e-30) / np.iinfo(np.int16).max
        return cls(interactions.movie_ids, p, columns, np.rint(weights / scale).astype(np.int16), scale)

    def score(self, interactions: Interactions) -> Float32Array:
        ratings = interactions.user_items
        scores = np.full(ratings.shape, -np.inf, dtype=np.float32)
        is_liked = ratings.data >= self.params.min_rating
        for user, (start, end) in enumerate(pairwise(ratings.indptr)):
            rows = self._row_by_column[ratings.indices[start:end][is_liked[start:end]]]
            steps = np.add.reduce(self.weights[rows[rows != UNKNOWN]], axis=0, dtype=np.int32)
            scores[user, self.columns] = self.scale * steps
        return scores

    def leave_one_out(self, single_user: Interactions, entries: Indices, columns: Indices) -> Float32Array:
        is_liked = single_user.user_items.data[entries] >= self.params.min_rating
        rows, to = self._row_by_column[single_user.user_items.indices[entries]], self._row_by_column[columns]
        counts = (is_liked & (rows != UNKNOWN))[:, None] & (to != UNKNOWN)
        weights: Float32Array = np.where(counts, self.weights[rows[:, None], to] * self.scale[to], 0)
        return weights

    @cached_property
    def _row_by_column(self) -> Indices:
        """For each movie column of the fit its row in `weights`, UNKNOWN for movies that do not take part."""
        rows = np.full(len(self.movie_ids), UNKNOWN)
        rows[self.columns] = np.arange(len(self.columns))
        return rows

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, columns=self.columns, weights=self.weights, scale=self.scale)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, EASEParams, "columns", "weights", "scale"))


def compute_weights(x: sp.csr_array, regularization: float) -> Float32Array:
    """B = I - P diag(P)^-1 with P = (X'X + lambda I)^-1; its diagonal is 0.

    With fewer users than movies P comes from the smaller matrix of users: P = (I - X' (X X' + lambda I)^-1 X) / lambda.
    """
    n_users, n_movies = x.shape
    if n_users < n_movies:
        gram = (x @ x.T).toarray()
        gram[np.diag_indices(n_users)] += regularization
        # With gram = L L', X' gram^-1 X is (L^-1 X)' (L^-1 X).
        half = np.linalg.solve(np.linalg.cholesky(gram), x.toarray()).astype(np.float32)
        inverse: npt.NDArray[np.floating] = -(half.T @ half)
        inverse[np.diag_indices(n_movies)] += 1
        inverse /= regularization
    else:
        gram = (x.T @ x).toarray()
        gram[np.diag_indices(n_movies)] += regularization
        inverse = np.linalg.inv(gram)
    weights = (inverse / -np.diag(inverse)).astype(np.float32)
    weights[np.diag_indices(n_movies)] = 0
    return weights
