"""Content: movies whose genres, time and tags are like those of what somebody liked. It knows movies nobody rated."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_parts, save_parts
from movierec.data.interactions import UNKNOWN, Ids, Interactions, Rows, Scores, liked, positions
from movierec.features.content import Content


@dataclass(frozen=True)
class ContentParams:
    min_rating: float = 3.5


@dataclass(frozen=True)
class ContentModel:
    """A movie's score is the sum of its cosines to what the user liked.

    `movie_ids` are all movies with a vector, rated or not; `indptr, indices, data` their vectors as CSR.
    """

    interactions: Interactions
    params: ContentParams
    movie_ids: Ids
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: Scores

    @classmethod
    def fit(
        cls, interactions: Interactions, params: ContentParams | None = None, *, content: Content | None = None
    ) -> Self:
        """Without `content` nothing is known of any movie, and every score is 0."""
        known = content or Content(interactions.movie_ids, sp.csr_array((len(interactions.movie_ids), 1), dtype="f4"))
        vectors = known.vectors
        return cls(
            interactions, params or ContentParams(), known.movie_ids, vectors.indptr, vectors.indices, vectors.data
        )

    def score(self, rows: Rows) -> Scores:
        return self.fold_in(self.interactions.take(rows))

    def fold_in(self, people: Interactions) -> Scores:
        return self._scores(people, self._rated)

    def of_movies(self, people: Interactions, movie_ids: npt.ArrayLike) -> Scores:
        """Scores of any movies, also of such that nobody has rated: people x movies; unknown ones score 0."""
        return self._scores(people, self._vectors_of(np.asarray(movie_ids)))

    def _scores(self, people: Interactions, vectors: sp.csr_array) -> Scores:
        profiles = liked(people.user_items, self.params.min_rating) @ self._rated
        return np.asarray((profiles @ vectors.T).toarray(), dtype=np.float32)

    @cached_property
    def _rated(self) -> sp.csr_array:
        return self._vectors_of(self.interactions.movie_ids)

    def _vectors_of(self, movie_ids: Ids) -> sp.csr_array:
        rows = positions(self.movie_ids, movie_ids)
        width = int(self.indices.max(initial=0)) + 1
        vectors = sp.csr_array((self.data, self.indices, self.indptr), shape=(len(self.movie_ids), width))
        there = sp.csr_array(
            ((rows != UNKNOWN).astype(np.float32), (np.arange(len(rows)), np.maximum(rows, 0))),
            shape=(len(rows), len(self.movie_ids)),
        )
        return sp.csr_array(there @ vectors)

    def save(self, folder: Path) -> None:
        save_parts(folder, self, movie_ids=self.movie_ids, indptr=self.indptr, indices=self.indices, data=self.data)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_parts(folder, ContentParams, "movie_ids", "indptr", "indices", "data"))
