"""Sparse matrices as open files, and parts of them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp


def save_csr(folder: Path, matrix: sp.csr_array) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "shape.npy", np.array(matrix.shape))
    for part in ("indptr", "indices", "data"):
        np.save(folder / f"{part}.npy", getattr(matrix, part))


def load_csr(folder: Path) -> sp.csr_array:
    """As `save_csr` wrote it, mapped read-only: processes that load the same folder share its pages."""
    data, indices, indptr = (np.load(folder / f"{part}.npy", mmap_mode="r") for part in ("data", "indices", "indptr"))
    rows, columns = np.load(folder / "shape.npy")
    return sp.csr_array((data, indices, indptr), shape=(int(rows), int(columns)))


def dense_part(
    matrix: sp.csr_array, rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """What stands in `rows` and `columns`, as a dense array."""
    part: npt.NDArray[np.float32] = matrix[rows][:, columns].toarray()
    return part
