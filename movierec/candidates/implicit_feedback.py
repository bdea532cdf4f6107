"""What the matrix factorisations of implicit feedback share: the confidence of a rating, and scores from factors."""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.data.interactions import Float32Array

Confidence = Literal["linear", "log", "binary"]

FEW_USERS = 8  # users; below, one product per user, since BLAS would copy all factors first


class ConfidenceParams(Protocol):
    """The hyper-parameters that `compute_confidence` reads."""

    @property
    def alpha(self) -> float: ...

    @property
    def confidence(self) -> Confidence: ...

    @property
    def min_rating(self) -> float: ...


def compute_confidence(user_items: sp.csr_array, params: ConfidenceParams) -> sp.csr_array:
    """The weight of each rating: 1 + alpha * r ("linear"), 1 + alpha * log(1 + r) ("log"), or alpha ("binary").

    Ratings below `params.min_rating` have no entry in the result.
    """
    values = compute_confidence_values(user_items.data, params)
    parts = (values, user_items.indices, user_items.indptr)
    matrix = sp.csr_array(parts, shape=user_items.shape, copy=True)  # the ratings may be mapped read-only
    matrix.eliminate_zeros()
    return matrix


def compute_confidence_values(ratings: Float32Array, params: ConfidenceParams) -> Float32Array:
    """The weights of `ratings`, as in `compute_confidence`; 0 for a rating below `params.min_rating`."""
    by_mode: dict[str, Callable[[], npt.NDArray[np.floating[Any]]]] = {
        "linear": lambda: 1 + params.alpha * ratings,
        "log": lambda: 1 + params.alpha * np.log1p(ratings),
        "binary": lambda: np.full_like(ratings, params.alpha),
    }
    return np.where(ratings >= params.min_rating, by_mode[params.confidence](), 0).astype(np.float32)


def average_users(users: Float32Array, weights: sp.csr_array) -> Float32Array:
    """The mean of the factors `users` over the rows of `weights` that have entries; over all rows if none has."""
    has_entries = np.diff(weights.indptr) > 0
    mean: Float32Array = users[has_entries if has_entries.any() else slice(None)].mean(axis=0)
    return mean


def score_by_factors(
    users: Float32Array, weights: sp.csr_array, *, mean_user: Float32Array, item_factors: Float32Array
) -> Float32Array:
    """Products of the factors of users and movies: users x movies.

    A user without entries in `weights` gets the factors `mean_user`: with factors of 0 all scores would be 0.
    Overwrites these rows of `users`.
    """
    users[np.diff(weights.indptr) == 0] = mean_user
    if len(users) < FEW_USERS:
        return np.stack([item_factors @ user for user in users])
    scores: Float32Array = users @ item_factors.T
    return scores
