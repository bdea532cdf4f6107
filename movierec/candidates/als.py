"""ALS of the library `implicit`: matrix factorisation with confidence (Hu, Koren, Volinsky 2008)."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.candidates.implicit_feedback import Confidence, average_users, compute_confidence, score_by_factors
from movierec.candidates.least_squares import RotatedFactors, solve_rows
from movierec.data.interactions import Float32Array, Ids, Interactions


@dataclass(frozen=True)
class ALSParams:
    """`confidence` and `alpha`: see `compute_confidence`. Ratings below `min_rating` are ignored.

    `regularization` is the same for every user and movie. Raises ValueError if a rated movie would weigh no more than
    one that is not rated, whose weight is 1.
    """

    factors: int = 128
    iterations: int = 15
    regularization: float = 20.0
    alpha: float = 4.0
    confidence: Confidence = "binary"
    min_rating: float = 4.0
    seed: int = 7

    def __post_init__(self) -> None:
        lowest = 1 if self.confidence == "binary" else 0
        if self.alpha <= lowest:
            raise ValueError(f"alpha is {self.alpha:g}: confidence {self.confidence!r} needs more than {lowest}")


# The hyper-parameters of the seed design, kept for comparison.
REFERENCE_PARAMS = ALSParams(
    factors=128, iterations=20, regularization=0.01, alpha=15, confidence="linear", min_rating=0.0
)


@dataclass(frozen=True)
class ALS:
    """A user's score of a movie is the product of their factors, learnt by `implicit.als.AlternatingLeastSquares`.

    Minimises sum over all movies c (p - x.y)^2 + regularization (|x|^2 + |y|^2): p = 1 and c the confidence where a
    movie is rated, p = 0 and c = 1 elsewhere. `item_factors` is movies x factors, float32. A user's factors are
    computed from their ratings; users without a rating that counts get `mean_user`, the mean factors of the others in
    the fit.
    """

    movie_ids: Ids
    params: ALSParams
    mean_user: Float32Array
    item_factors: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: ALSParams | None = None) -> Self:
        """Fits on all cores; their number does not change the result, because every row is solved by one thread."""
        from implicit.als import AlternatingLeastSquares  # noqa: PLC0415  fitting needs it, serving does not

        p = params or ALSParams()
        weights = compute_confidence(interactions.user_items, p)
        with threadpool_limits(1, "blas"):  # the library has threads of its own
            learner = AlternatingLeastSquares(
                factors=p.factors,
                iterations=p.iterations,
                regularization=p.regularization,
                use_gpu=False,
                random_state=p.seed,
            )
            learner.fit(sp.csr_matrix(weights), show_progress=False)
        return cls(interactions.movie_ids, p, average_users(learner.user_factors, weights), learner.item_factors)

    def score(self, interactions: Interactions) -> Float32Array:
        weights = compute_confidence(interactions.user_items, self.params)
        return score_by_factors(
            self._solve_users(weights), weights, mean_user=self.mean_user, item_factors=self.item_factors
        )

    def _solve_users(self, weights: sp.csr_array) -> Float32Array:
        """The factors of the users in the rows of `weights`, exactly: the library only approaches them in its fit.

        For each user (Y'Y + Y'(C - 1) Y + regularization I) x = Y'C p, so a rated movie adds its confidence c less 1 to
        the left side and all of c to the right side.
        """
        added = sp.csr_array((weights.data - 1, weights.indices, weights.indptr), shape=weights.shape)
        penalty = np.full(weights.shape[0], self.params.regularization, dtype=np.float32)
        return solve_rows(added, self._rotated_factors, penalty=penalty, targets=weights.data / added.data)

    @cached_property
    def _rotated_factors(self) -> RotatedFactors:
        return RotatedFactors.from_factors(self.item_factors, base=self.item_factors.T @ self.item_factors)

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, mean_user=self.mean_user, item_factors=self.item_factors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, ALSParams, "mean_user", "item_factors"))
