import numpy as np
import pytest
import scipy.sparse as sp

from movierec.candidates import least_squares
from movierec.candidates.least_squares import RotatedFactors, solve_rows


def by_the_book(weights, fixed, penalty, base, targets):
    """The normal equations of one row at a time, in double precision."""
    found = np.zeros((weights.shape[0], fixed.shape[1]))
    for row in range(weights.shape[0]):
        here = slice(weights.indptr[row], weights.indptr[row + 1])
        y, w, t = fixed[weights.indices[here]].astype(float), weights.data[here], targets[here]
        left = base + penalty[row] * np.eye(fixed.shape[1]) + y.T @ (w[:, None] * y)
        found[row] = np.linalg.solve(left, y.T @ (w * t))
    return found


@pytest.mark.parametrize("block", [1, 500, 2**20])
@pytest.mark.parametrize("longest", [3, 4096])
def test_rows_are_solved_as_by_the_book(monkeypatch, block, longest):
    monkeypatch.setattr(least_squares, "BLOCK_VALUES", block)
    monkeypatch.setattr(least_squares, "MAX_GATHERED_ENTRIES", longest)
    random = np.random.default_rng(4)
    dense = random.random((40, 30)) * (random.random((40, 30)) < 0.3)
    dense[0] = 0
    weights = sp.csr_array(dense.astype(np.float32))
    fixed = random.standard_normal((30, 8)).astype(np.float32)
    penalty = random.random(40).astype(np.float32) + 0.5
    base = 0.3 * fixed.T @ fixed
    targets = random.standard_normal(weights.nnz).astype(np.float32)
    found = solve_rows(weights, RotatedFactors.from_factors(fixed, base=base), penalty=penalty, targets=targets)
    assert found == pytest.approx(by_the_book(weights, fixed, penalty, base, targets), abs=1e-4)
    assert (found[0] == 0).all()


def test_targets_are_one_unless_given():
    weights = sp.csr_array(np.array([[2.0, 0.0]], dtype=np.float32))
    fixed = np.array([[1.0], [5.0]], dtype=np.float32)
    factors = RotatedFactors.from_factors(fixed, base=np.array([[3.0]], dtype=np.float32))
    found = solve_rows(weights, factors, penalty=np.array([2.0], dtype=np.float32))
    assert found[0, 0] == pytest.approx(2 / (2 + 2 + 3))
