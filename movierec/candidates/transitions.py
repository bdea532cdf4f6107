"""Transitions: movies that users rate soon after others (Markov chain with skips; Shani, Heckerman, Brafman 2005)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.data.array_files import extract_dense_block
from movierec.data.interactions import Float32Array, Ids, Indices, Interactions
from movierec.data.sampling import hash_ids_to_fractions

PAIRS_AT_ONCE = 8 * 2**20
TRANSITIONS_DRAW = 4


@dataclass(frozen=True)
class TransitionsParams:
    """A pair of movies rated d places apart by a user (d <= `window`) counts 1/d, if the later one is rated >=
    `min_rating`.

    Counts are divided by (total of the later movie + `shrinkage`) ** `popularity_power` and by (total of the earlier
    one + `shrinkage`) ** `source_power`; the `neighbours` largest per movie are kept. A user's score uses the `last`
    latest ratings, each weighing `decay` times the one after it; ratings below `min_source_rating` weigh nothing, so a
    disliked movie does not recommend what is watched after it. With more than `max_users` users, a fixed draw of them
    is counted.
    """

    window: int = 50
    min_rating: float = 3.5
    popularity_power: float = 0.07
    source_power: float = 0.47
    shrinkage: float = 5.0
    neighbours: int = 500
    last: int = 45
    decay: float = 0.86
    min_source_rating: float = 3.0
    max_users: int = 20_000


@dataclass(frozen=True)
class Transitions:
    """A movie's score is the sum of the transitions to it from the user's latest ratings.

    `indptr`, `indices`, `data` are the transitions as CSR, movies x movies: row i holds what follows movie i.
    """

    movie_ids: Ids
    params: TransitionsParams
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: TransitionsParams | None = None) -> Self:
        p = params or TransitionsParams()
        n_movies = len(interactions.movie_ids)
        shape = (n_movies, n_movies)
        counts = sp.csr_array(shape, dtype=np.float32)
        for before, after, weight in _iter_pairs(interactions, p):
            counts = sp.csr_array(counts + sp.csr_array((weight, (before, after)), shape=shape))
        into = np.asarray(counts.sum(axis=0)).ravel() + p.shrinkage
        out_of = np.asarray(counts.sum(axis=1)).ravel() + p.shrinkage
        entries = counts.tocoo()
        scaled = entries.data / (into[entries.col] ** p.popularity_power * out_of[entries.row] ** p.source_power)
        kept = _select_largest(entries.row, scaled, n=p.neighbours)
        values: Float32Array = scaled[kept].astype(np.float32)
        matrix = sp.csr_array((values, (entries.row[kept], entries.col[kept])), shape=shape)
        matrix.sort_indices()
        return cls(interactions.movie_ids, p, matrix.indptr, matrix.indices, matrix.data)

    def score(self, interactions: Interactions) -> Float32Array:
        recent = interactions.keep_latest(self.params.last)
        weights = self._weigh_ratings(recent)
        ratings = recent.user_items
        before = sp.csr_array((weights, ratings.indices, ratings.indptr), shape=ratings.shape)
        return np.asarray((before @ self._transition_matrix).toarray(), dtype=np.float32)

    def leave_one_out(self, single_user: Interactions, entries: Indices, columns: Indices) -> Float32Array:
        weights = np.where(single_user.recency <= self.params.last, self._weigh_ratings(single_user), 0)[entries]
        return weights[:, None] * extract_dense_block(
            self._transition_matrix, single_user.user_items.indices[entries], columns
        )

    def _weigh_ratings(self, interactions: Interactions) -> Float32Array:
        """The weight of each rating: decay ** (recency - 1), 0 below `min_source_rating`."""
        weights = self.params.decay ** (interactions.recency.astype(np.float64) - 1)
        is_source = interactions.user_items.data >= self.params.min_source_rating
        return np.where(is_source, weights, 0).astype(np.float32)

    @cached_property
    def _transition_matrix(self) -> sp.csr_array:
        shape = (len(self.movie_ids),) * 2
        return sp.csr_array((self.data, self.indices, self.indptr), shape=shape)

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, indptr=self.indptr, indices=self.indices, data=self.data)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, TransitionsParams, "indptr", "indices", "data"))


def _iter_pairs(interactions: Interactions, p: TransitionsParams) -> Iterator[tuple[Indices, Indices, Float32Array]]:
    """Earlier column, later column and weight of all pairs within the window, for some users at a time."""
    rows = np.argsort(hash_ids_to_fractions(interactions.user_ids, draw=TRANSITIONS_DRAW), kind="stable")[: p.max_users]
    size = max(1, PAIRS_AT_ONCE * len(rows) // max(1, p.window * interactions.user_items.nnz))
    for start in range(0, len(rows), size):
        part = interactions.select_users(rows[start : start + size])
        users = np.repeat(np.arange(len(part.user_ids)), np.diff(part.user_items.indptr))
        in_time = np.lexsort((-part.recency.astype(np.int32), users))
        columns, users = part.user_items.indices[in_time], users[in_time]
        liked = part.user_items.data[in_time] >= p.min_rating
        pairs = []
        for distance in range(1, min(p.window, len(columns) - 1) + 1):
            at = np.flatnonzero((users[:-distance] == users[distance:]) & liked[distance:])
            weight = np.full(len(at), 1 / distance, dtype=np.float32)
            pairs.append((columns[at], columns[at + distance], weight))
        if pairs:
            before, after, weight = (np.concatenate(each) for each in zip(*pairs, strict=True))
            yield before, after, weight


def _select_largest(groups: npt.NDArray[np.integer], values: npt.NDArray[np.floating], *, n: int) -> Indices:
    """Positions of the `n` largest values of each group; of equal values the first."""
    order = np.lexsort((-values, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    place = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    kept: Indices = order[place < n]
    return kept
