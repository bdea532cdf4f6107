"""Weighted least squares for many rows at once: the alternating step of ALS and iALS."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from movierec.data.interactions import Float32Array, Indices

BLOCK_VALUES = 2 * 2**20  # numbers in the largest array of a block: 8 MB
N_CORES = os.cpu_count() or 1
MAX_GATHERED_ENTRIES = 4096  # entries of a row that are gathered at once


class RotatedFactors(NamedTuple):
    """The fixed factors of a half-step, in the eigenbasis of the base matrix that all rows share.

    `rotated` is columns x factors, float32; `basis` and `spectrum` are the eigenvectors and eigenvalues of the base.
    """

    rotated: Float32Array
    basis: npt.NDArray[np.float64]
    spectrum: npt.NDArray[np.float64]

    @classmethod
    def from_factors(cls, fixed: Float32Array, *, base: Float32Array) -> Self:
        """`fixed` is columns x factors, `base` factors x factors and symmetric."""
        spectrum, basis = np.linalg.eigh(base.astype(np.float64))
        return cls((fixed @ basis).astype(np.float32), basis, np.maximum(spectrum, 0))


def solve_rows(
    weights: sp.csr_array, factors: RotatedFactors, *, penalty: Float32Array, targets: Float32Array | None = None
) -> Float32Array:
    """For each row u of `weights` the x that minimises sum_i w_ui (t_ui - x.y_i)^2 + x' (base + penalty_u I) x.

    Returns rows x factors, float32; a row without entries is 0. `factors` holds the y and the base, `targets` the t
    beside `weights.data` (1 by default), `penalty` one number per row.

    A row with fewer entries than factors is solved by the Woodbury identity: its system is as large as its number of
    entries. Any other row is solved directly, a system as large as the number of factors. Both work in the eigenbasis
    of the base, where base + penalty_u I is diagonal. Rows of similar length are padded with zeros and solved together.
    """
    rotated, basis, spectrum = factors
    n_factors = rotated.shape[1]
    aims = np.ones_like(weights.data) if targets is None else targets
    solved = np.zeros((weights.shape[0], n_factors), dtype=np.float32)
    lengths = np.diff(weights.indptr)

    def solve(rows: Indices) -> None:
        diagonal = (spectrum + penalty[rows].astype(np.float64)[:, None]).astype(np.float32)
        method = _solve_short_rows if lengths[rows].max() < n_factors else _solve_long_rows
        solved[rows] = method(weights, aims, rotated, rows, diagonal)

    blocks = list(_iter_row_blocks(lengths, n_factors))
    if len(blocks) <= N_CORES:  # a few rows are done before threads are started
        list(map(solve, blocks))
    else:
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(N_CORES) as pool:
            list(pool.map(solve, blocks))
    turned_back: Float32Array = (solved @ basis.T).astype(np.float32)
    return turned_back


def _iter_row_blocks(lengths: npt.NDArray[np.integer], n_factors: int) -> Iterator[Indices]:
    """Rows with entries, in ascending order of length, as many at a time as fit into BLOCK_VALUES."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    while start < len(order):
        shortest = max(int(lengths[order[start]]), 1)
        ahead = lengths[
            order[start : start + max(1, BLOCK_VALUES // (n_factors * min(shortest, MAX_GATHERED_ENTRIES)))]
        ]
        width = np.minimum(np.maximum(ahead, n_factors if ahead[0] >= n_factors else 1), MAX_GATHERED_ENTRIES)
        same_method = (ahead < n_factors) == (ahead[0] < n_factors)
        size = max(1, int(((width * n_factors * np.arange(1, len(ahead) + 1) <= BLOCK_VALUES) & same_method).sum()))
        yield order[start : start + size]
        start += size


def _gather_entries(
    weights: sp.csr_array, aims: Float32Array, fixed: Float32Array, rows: Indices, places: npt.NDArray[np.integer]
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Factors (rows x places x factors), weights and targets of the entries at `places` of each row.

    0 where a row has no such entry.
    """
    there = places < np.diff(weights.indptr)[rows][:, None]
    at = np.where(there, weights.indptr[rows][:, None] + places, 0)
    return (
        fixed[weights.indices[at]] * there[:, :, None],
        np.where(there, weights.data[at], 0).astype(np.float32),
        np.where(there, aims[at], 0).astype(np.float32),
    )


def _solve_short_rows(
    weights: sp.csr_array, aims: Float32Array, fixed: Float32Array, rows: Indices, diagonal: Float32Array
) -> Float32Array:
    """x = D^-1 Y' (W^-1 + Y D^-1 Y')^-1 t: a system of the size of the longest row (Woodbury identity)."""
    places = np.arange(int(np.diff(weights.indptr)[rows].max()))
    y, w, t = _gather_entries(weights, aims, fixed, rows, places)
    scaled = y / diagonal[:, None, :]
    left = y @ scaled.transpose(0, 2, 1)
    left[:, places, places] += np.where(w > 0, 1 / np.where(w > 0, w, 1), 1)
    duals = np.linalg.solve(left, t[:, :, None])
    found: Float32Array = (scaled.transpose(0, 2, 1) @ duals)[:, :, 0]
    return found


def _solve_long_rows(
    weights: sp.csr_array, aims: Float32Array, fixed: Float32Array, rows: Indices, diagonal: Float32Array
) -> Float32Array:
    """Normal equations x = (D + Y' W Y)^-1 Y' W t, summed over MAX_GATHERED_ENTRIES entries of a row at a time."""
    n_factors = fixed.shape[1]
    left = np.zeros((len(rows), n_factors, n_factors), dtype=np.float32)
    left[:, np.arange(n_factors), np.arange(n_factors)] = diagonal
    right = np.zeros((len(rows), n_factors), dtype=np.float32)
    longest = int(np.diff(weights.indptr)[rows].max())
    for first in range(0, longest, MAX_GATHERED_ENTRIES):
        y, w, t = _gather_entries(
            weights, aims, fixed, rows, np.arange(first, min(first + MAX_GATHERED_ENTRIES, longest))
        )
        weighted = y * w[:, :, None]
        left += y.transpose(0, 2, 1) @ weighted
        right += (weighted.transpose(0, 2, 1) @ t[:, :, None])[:, :, 0]
    return np.linalg.solve(left, right[:, :, None])[:, :, 0]
