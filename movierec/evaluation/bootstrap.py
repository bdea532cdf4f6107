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


def bootstrap_mean(
    values: npt.NDArray[np.float64],
    *,
    clusters: npt.NDArray[np.int32] | None = None,
    resamples: int = N_RESAMPLES,
    seed: int = 7,
) -> Interval:
    """Mean of `values`, one per user, with its 95 % bootstrap percentile interval (Efron 1979).

    `clusters` as of `bootstrap_columns`.
    """
    (interval,) = bootstrap_columns(values[:, None], clusters=clusters, resamples=resamples, seed=seed)
    return interval


def bootstrap_columns(
    values: npt.NDArray[np.float64],
    *,
    clusters: npt.NDArray[np.int32] | None = None,
    resamples: int = N_RESAMPLES,
    seed: int = 7,
) -> list[Interval]:
    """The bootstrap interval of each column of `values` (cases x metrics), all over the same resamples of users.

    A case is a user. If users have several cases, `clusters` holds the user of each case: users are then drawn with all
    of their cases (Davison and Hinkley 1997, section 3.8), and `n` is the number of cases. Without cases all numbers
    are nan and n is 0.
    """
    n = len(values)
    if n == 0:
        return [Interval(float("nan"), float("nan"), float("nan"), 0)] * values.shape[1]
    sums, sizes = (values, np.ones(n)) if clusters is None else _sum_clusters(values, clusters)
    # How often each user is drawn; a resample's mean is then a product.
    random = np.random.default_rng(seed)
    shares = np.full(len(sizes), 1 / len(sizes))
    means = []
    for done in range(0, resamples, RESAMPLES_PER_BLOCK):
        drawn = random.multinomial(len(sizes), shares, size=min(RESAMPLES_PER_BLOCK, resamples - done))
        means.append(drawn @ sums / (drawn @ sizes)[:, None])
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5], axis=0)
    rows = zip(values.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(value, lower, upper, n) for value, lower, upper in rows]


def _sum_clusters(
    values: npt.NDArray[np.float64], clusters: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The sums of `values` over the cases of each cluster, and its number of cases."""
    _, numbers, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, numbers, values)
    return sums, sizes.astype(np.float64)
