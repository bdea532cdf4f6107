"""Ratings as a sparse matrix with its ids."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from movierec.data.array_files import find_row_entries, load_mapped_array

Ids = npt.NDArray[np.int32]
Indices = npt.NDArray[np.intp]
Float32Array = npt.NDArray[np.float32]

UNKNOWN = -1
MAX_UINT16 = 65_535


@dataclass(frozen=True)
class Interactions:
    """Ratings as a sparse matrix: row i of `user_items` belongs to `user_ids[i]`, column j to `movie_ids[j]`.

    `user_items` is CSR, users x movies, float32 ratings. Both id arrays are sorted and unique, unless users were
    selected. `recency` and `rated_on` stand beside `user_items.data`, one value per rating. `recency` is 1 for a user's
    last rating, 2 for the one before it, at most 65,535. `rated_on` is the day of the rating, counted from 1970-01-01.
    """

    user_ids: Ids
    movie_ids: Ids
    user_items: sp.csr_array
    recency: npt.NDArray[np.uint16]
    rated_on: npt.NDArray[np.uint16]

    @classmethod
    def from_ratings(cls, ratings: pl.LazyFrame, movie_ids: Ids | None = None) -> Self:
        """From a table `user_id, movie_id, rating, rated_at` with one row per user and movie.

        With `movie_ids` (sorted, unique) these are the columns: ratings of other movies are dropped, and so are users
        without a rating of one of them.
        """
        rated_on = pl.col("rated_at").dt.epoch("d").clip(0, MAX_UINT16).cast(pl.UInt16)
        table = (
            ratings.sort("user_id", "rated_at", "movie_id")
            .select("user_id", "movie_id", pl.col("rating").cast(pl.Float32), rated_on=rated_on)
            .collect()
        )
        if movie_ids is None:
            movie_ids, columns = np.unique(table["movie_id"].to_numpy(), return_inverse=True)
        else:
            columns = index_of_ids(movie_ids, table["movie_id"].to_numpy())
            table, columns = table.filter(columns != UNKNOWN), columns[columns != UNKNOWN]
        user_ids, rows, counts = np.unique(table["user_id"].to_numpy(), return_inverse=True, return_counts=True)
        recency = np.minimum(np.cumsum(counts)[rows] - np.arange(len(rows)), MAX_UINT16)
        places = sp.csr_array(
            (np.arange(len(rows)), (rows.astype(np.int32), columns.astype(np.int32))),
            shape=(len(user_ids), len(movie_ids)),
        )
        places.sort_indices()
        order = places.data
        parts = (table["rating"].to_numpy()[order], places.indices, places.indptr)
        return cls(
            user_ids.astype(np.int32),
            movie_ids.astype(np.int32, copy=False),
            sp.csr_array(parts, shape=places.shape),
            recency[order].astype(np.uint16),
            table["rated_on"].to_numpy()[order],
        )

    def find_user_rows(self, user_ids: npt.ArrayLike) -> Indices:
        """Row numbers of the given users; UNKNOWN for a user without ratings."""
        return index_of_ids(self.user_ids, user_ids)

    def find_movie_columns(self, movie_ids: npt.ArrayLike) -> Indices:
        """Column numbers of the given movies; UNKNOWN for a movie that nobody has rated."""
        return index_of_ids(self.movie_ids, movie_ids)

    def get_seen_columns(self, row: int) -> npt.NDArray[np.int32]:
        """Columns of the movies that the user in `row` has rated, in ascending order."""
        start, end = self.user_items.indptr[row], self.user_items.indptr[row + 1]
        return self.user_items.indices[start:end]

    def sort_newest_first(self, row: int) -> tuple[npt.NDArray[np.int32], Float32Array]:
        """Columns and ratings of the user in `row`, the latest rating first."""
        here = slice(self.user_items.indptr[row], self.user_items.indptr[row + 1])
        order = np.argsort(self.recency[here], kind="stable")
        return self.user_items.indices[here][order], self.user_items.data[here][order]

    def select_users(self, rows: Indices) -> Self:
        """The users in `rows` only, in that order; a row may occur twice. `user_ids` need not be sorted then."""
        return self._select_entries(*find_row_entries(self.user_items, rows), self.user_ids[rows])

    def _select_entries(self, entries: Indices, lengths: npt.NDArray[np.integer], user_ids: Ids) -> Self:
        """The ratings at positions `entries` of `user_items.data`, for `user_ids`; `lengths` is the number of each."""
        matrix = self.user_items
        # A product of matrices whose indices are of two types would convert the larger one.
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(matrix.indptr.dtype)
        parts = (matrix.data[entries], matrix.indices[entries], indptr)
        return replace(
            self,
            user_ids=user_ids,
            user_items=sp.csr_array(parts, shape=(len(lengths), matrix.shape[1])),
            recency=self.recency[entries],
            rated_on=self.rated_on[entries],
        )

    def keep_latest(self, n: int) -> Self:
        """Only the last `n` ratings of each user; all users and movies stay."""
        return self.filter_ratings(self.recency <= n)

    def stack_latest(self, *windows: int) -> Self:
        """All users with all their ratings, and below them, for each window k, all users again with their last k
        ratings.

        The result has (1 + number of windows) x users rows.
        """
        kept = [self.recency <= k for k in (MAX_UINT16, *windows)]
        lengths = np.concatenate([self._count_kept(each) for each in kept])
        return self._select_entries(
            np.concatenate([*map(np.flatnonzero, kept)]), lengths, np.tile(self.user_ids, len(kept))
        )

    def filter_ratings(self, is_kept: npt.NDArray[np.bool_]) -> Self:
        """Only the ratings for which `is_kept` is true; all users and movies stay.

        `is_kept` has one flag per entry of `user_items.data`.
        """
        return self._select_entries(np.flatnonzero(is_kept), self._count_kept(is_kept), self.user_ids)

    def _count_kept(self, is_kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.integer]:
        """The number of kept ratings of each user."""
        before = np.concatenate([[0], np.cumsum(is_kept)])
        return np.diff(before[self.user_items.indptr])

    def save(self, folder: Path) -> None:
        """Writes one .npy file per array into `folder`, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "recency.npy", self.recency)
        np.save(folder / "rated_on.npy", self.rated_on)
        np.save(folder / "user_ids.npy", self.user_ids)
        np.save(folder / "movie_ids.npy", self.movie_ids)
        for part in ("indptr", "indices", "data"):
            np.save(folder / f"{part}.npy", getattr(self.user_items, part))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote. Arrays are mapped read-only, so that processes share one copy in memory."""
        user_ids, movie_ids, indptr, indices, data, recency, rated_on = (
            load_mapped_array(folder / f"{part}.npy")
            for part in ("user_ids", "movie_ids", "indptr", "indices", "data", "recency", "rated_on")
        )
        shape = (len(user_ids), len(movie_ids))
        return cls(user_ids, movie_ids, sp.csr_array((data, indices, indptr), shape=shape), recency, rated_on)


def binarize_likes(ratings: sp.csr_array, min_rating: float) -> sp.csr_array:
    """A matrix of the same shape with 1 where a rating is at least `min_rating`, and no entry elsewhere. float32."""
    ones = (ratings.data >= min_rating).astype(np.float32)
    matrix = sp.csr_array((ones, ratings.indices, ratings.indptr), shape=ratings.shape, copy=True)
    matrix.eliminate_zeros()
    return matrix


def index_of_ids(sorted_ids: Ids, ids: npt.ArrayLike) -> Indices:
    """The index of each id in `sorted_ids`, which must be sorted and unique; UNKNOWN for an id that is not there."""
    asked = np.asarray(ids)
    if len(sorted_ids) == 0:
        return np.full(asked.shape, UNKNOWN)
    found = np.minimum(np.searchsorted(sorted_ids, asked), len(sorted_ids) - 1)
    return np.where(sorted_ids[found] == asked, found, UNKNOWN)
