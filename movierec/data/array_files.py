"""Arrays and sparse matrices as memory-mapped files, and parts of sparse matrices."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp


def load_mapped_array(file: Path) -> npt.NDArray[Any]:
    """Opens a .npy file mapped read-only: processes that read the same file share its memory.

    Returned as a plain array, because each view of NumPy's memmap class costs microseconds and an answer makes
    hundreds.
    """
    return np.asarray(np.load(file, mmap_mode="r"))


def save_csr(folder: Path, matrix: sp.csr_array) -> None:
    """Writes a CSR matrix into `folder` as shape, indptr, indices and data, one .npy file each."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "shape.npy", np.array(matrix.shape))
    for part in ("indptr", "indices", "data"):
        np.save(folder / f"{part}.npy", getattr(matrix, part))


def load_csr(folder: Path) -> sp.csr_array:
    """Reads what `save_csr` wrote, mapped read-only."""
    data, indices, indptr = (load_mapped_array(folder / f"{part}.npy") for part in ("data", "indices", "indptr"))
    rows, columns = np.load(folder / "shape.npy")
    return sp.csr_array((data, indices, indptr), shape=(int(rows), int(columns)))


def find_row_entries(
    matrix: sp.csr_array, rows: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.integer]]:
    """Positions in `matrix.data` of the entries of `rows`, row after row, and the number of entries of each row."""
    starts = matrix.indptr[rows]
    lengths = matrix.indptr[rows + 1] - starts
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum()), lengths


def extract_dense_block(
    matrix: sp.csr_array, rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """The values in `rows` and `columns` as a dense array, 0 where there is no entry. Columns must be unique."""
    at, lengths = find_row_entries(matrix, rows)
    row = np.repeat(np.arange(len(rows)), lengths)
    place = np.full(matrix.shape[1], len(columns))
    place[columns] = np.arange(len(columns))
    part = np.zeros((len(rows), len(columns) + 1), np.float32)  # the last column is for all that was not asked for
    part[row, place[matrix.indices[at]]] = matrix.data[at]
    return part[:, :-1]
