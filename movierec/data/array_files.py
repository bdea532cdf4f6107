"""Arrays and sparse matrices as open files, and parts of them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp


def load_mapped_array(file: Path) -> npt.NDArray[Any]:
    """A .npy file, mapped read-only: processes that read the same one share its pages.

    As a plain array: every view of NumPy's memmap costs microseconds, of which an answer has hundreds.
    """
    return np.asarray(np.load(file, mmap_mode="r"))


def save_csr(folder: Path, matrix: sp.csr_array) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "shape.npy", np.array(matrix.shape))
    for part in ("indptr", "indices", "data"):
        np.save(folder / f"{part}.npy", getattr(matrix, part))


def load_csr(folder: Path) -> sp.csr_array:
    """As `save_csr` wrote it, mapped read-only."""
    data, indices, indptr = (load_mapped_array(folder / f"{part}.npy") for part in ("data", "indices", "indptr"))
    rows, columns = np.load(folder / "shape.npy")
    return sp.csr_array((data, indices, indptr), shape=(int(rows), int(columns)))


def find_row_entries(
    matrix: sp.csr_array, rows: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.integer]]:
    """The places in `matrix.data` of what `rows` hold, row after row, and how many each holds."""
    starts = matrix.indptr[rows]
    lengths = matrix.indptr[rows + 1] - starts
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum()), lengths


def extract_dense_block(
    matrix: sp.csr_array, rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """What stands in `rows` and `columns`, which are all different, as a dense array."""
    at, lengths = find_row_entries(matrix, rows)
    row = np.repeat(np.arange(len(rows)), lengths)
    place = np.full(matrix.shape[1], len(columns))
    place[columns] = np.arange(len(columns))
    part = np.zeros((len(rows), len(columns) + 1), np.float32)  # the last column is for all that was not asked for
    part[row, place[matrix.indices[at]]] = matrix.data[at]
    return part[:, :-1]
