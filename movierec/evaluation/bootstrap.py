"""Means over users with their bootstrap intervals."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

N_RESAMPLES = 2000
RESAMPLES_PER_BLOCK = 100  # resamples held in memory at once


class Interval(NamedTuple):
    """A mean over `n` users with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    n: int


def bootstrap_mean(values: npt.NDArray[np.float64], *, resamples: int = N_RESAMPLES, seed: int = 7) -> Interval:
    """Mean of `values`, one per user, with its 95 % bootstrap percentile interval (Efron 1979)."""
    (interval,) = bootstrap_columns(values[:, None], resamples=resamples, seed=seed)
    return interval


def bootstrap_columns(
    values: npt.NDArray[np.float64], *, resamples: int = N_RESAMPLES, seed: int = 7
) -> list[Interval]:
    """The bootstrap interval of each column of `values` (users x metrics), all over the same resamples of users.

    Without users all numbers are nan and n is 0.
    """
    n = len(values)
    if n == 0:
        return [Interval(float("nan"), float("nan"), float("nan"), 0)] * values.shape[1]
    # How often each user is drawn; a resample's mean is then a product.
    random = np.random.default_rng(seed)
    means = np.concatenate(
        [
            random.multinomial(n, np.full(n, 1 / n), size=min(RESAMPLES_PER_BLOCK, resamples - done)) @ values / n
            for done in range(0, resamples, RESAMPLES_PER_BLOCK)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    rows = zip(values.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(value, lower, upper, n) for value, lower, upper in rows]
