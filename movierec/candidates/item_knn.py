"""ItemCF: movies liked by the same people, by cosine with shrinkage (Sarwar et al. 2001)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_parts, save_parts
from movierec.interactions import Interactions, Rows, Scores, liked

BLOCK_MOVIES = 1_000


@dataclass(frozen=True)
class ItemKNNParams:
    """`neighbours` kept of each movie; `shrinkage`: common users that weigh as much as knowing nothing."""

    neighbours: int = 100
    shrinkage: float = 0.0
    min_rating: float = 3.5


@dataclass(frozen=True)
class ItemKNN:
    """A movie's score is the sum of its similarities to what the user liked.

    `indptr, indices, data` are the similarities as CSR, movies x movies: row i holds what i adds to each column.
    """

    interactions: Interactions
    params: ItemKNNParams
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: Scores

    @classmethod
    def fit(cls, interactions: Interactions, params: ItemKNNParams | None = None) -> Self:
        p = params or ItemKNNParams()
        users = liked(interactions.user_items, p.min_rating)
        movies = users.T.tocsr()
        counts = np.diff(movies.indptr).astype(np.float32)
        blocks = range(0, users.shape[1], BLOCK_MOVIES)
        nearest = sp.vstack([_nearest(movies[at : at + BLOCK_MOVIES] @ users, counts, at, p) for at in blocks])
        similarity = nearest.T.tocsr()
        similarity.sort_indices()
        return cls(interactions, p, similarity.indptr, similarity.indices, similarity.data)

    def score(self, rows: Rows) -> Scores:
        return self.fold_in(self.interactions.user_items[rows])

    def fold_in(self, ratings: sp.csr_array) -> Scores:
        """Scores of every movie for people given by their ratings alone: people x movies."""
        shape = (ratings.shape[1], ratings.shape[1])
        similarity = sp.csr_array((self.data, self.indices, self.indptr), shape=shape)
        scores: Scores = (liked(ratings, self.params.min_rating) @ similarity).toarray()
        return scores

    def save(self, folder: Path) -> None:
        save_parts(folder, self, indptr=self.indptr, indices=self.indices, data=self.data)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_parts(folder, ItemKNNParams, "indptr", "indices", "data"))


def _nearest(common: sp.csr_array, counts: Scores, first: int, p: ItemKNNParams) -> sp.csr_array:
    """The similarities of movies `first`, `first` + 1, ... to their nearest, from how many people like both."""
    pairs = common.tocoo()
    rows, columns = pairs.coords
    cosine = pairs.data / np.sqrt(counts[rows + first] * counts[columns])
    values = np.where(columns == rows + first, 0, cosine * pairs.data / (pairs.data + p.shrinkage)).astype(np.float32)
    order = np.lexsort((columns, -values, rows))
    place = np.arange(len(order)) - np.searchsorted(rows[order], rows[order])
    kept: npt.NDArray[np.intp] = order[(place < p.neighbours) & (values[order] > 0)]
    return sp.csr_array((values[kept], (rows[kept], columns[kept])), shape=common.shape)
