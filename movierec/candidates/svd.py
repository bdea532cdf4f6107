"""SVD of the user-centred ratings: only a baseline for comparison, never served."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.data.interactions import Float32Array, Ids, Interactions

MIN_SINGULAR_VALUE_SHARE = 1e-6  # share of the largest singular value


@dataclass(frozen=True)
class SVDParams:
    """Number of singular vectors, and the seed of the solver."""

    factors: int = 50
    seed: int = 7


@dataclass(frozen=True)
class SVD:
    """The user's ratings minus their mean, projected on the largest singular vectors (PureSVD; Cremonesi et al. 2010).

    `item_factors` is movies x factors with orthonormal columns. A movie that is not rated counts as the user's mean. If
    no user rated two movies differently, there is one factor of zeros, and all scores are 0.
    """

    movie_ids: Ids
    params: SVDParams
    item_factors: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: SVDParams | None = None) -> Self:
        p = params or SVDParams()
        centred = _centre_ratings(interactions.user_items).astype(np.float64)
        vectors = _compute_right_vectors(centred, p) if centred.data.any() else np.zeros((1, centred.shape[1]))
        return cls(interactions.movie_ids, p, np.ascontiguousarray(vectors.T, dtype=np.float32))

    def score(self, interactions: Interactions) -> Float32Array:
        scores: Float32Array = (_centre_ratings(interactions.user_items) @ self.item_factors) @ self.item_factors.T
        return scores

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, item_factors=self.item_factors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, SVDParams, "item_factors"))


def _compute_right_vectors(centred: sp.csr_array, params: SVDParams) -> npt.NDArray[np.float64]:
    """Right singular vectors of the largest singular values, largest first: factors x movies."""
    if min(centred.shape) == 1:  # of one user or one movie: the solver wants more
        _, sizes, vectors = np.linalg.svd(centred.toarray(), full_matrices=False)
    else:
        from scipy.sparse.linalg import svds  # noqa: PLC0415  fitting needs it, serving does not

        factors = max(1, min(params.factors, min(centred.shape) - 1))
        start = np.random.default_rng(params.seed).normal(size=min(centred.shape))
        _, sizes, vectors = svds(centred, k=factors, v0=start, rng=params.seed)
        sizes, vectors = sizes[::-1], vectors[::-1]
    found: npt.NDArray[np.float64] = vectors[
        sizes > MIN_SINGULAR_VALUE_SHARE * sizes.max(initial=0)
    ]  # others are noise of the solver
    return found


def _centre_ratings(ratings: sp.csr_array) -> sp.csr_array:
    counts = np.diff(ratings.indptr)
    means = np.asarray(ratings.sum(axis=1)).ravel() / np.maximum(counts, 1)
    values = (ratings.data - np.repeat(means, counts)).astype(np.float32)
    return sp.csr_array((values, ratings.indices, ratings.indptr), shape=ratings.shape)
