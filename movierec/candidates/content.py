"""Content-based candidates: movies with genres, decade and tags like those of liked movies, rated or not."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Interactions, binarize_likes, index_of_ids
from movierec.features.content import ContentVectors


@dataclass(frozen=True)
class ContentParams:
    """Ratings from `min_rating` count as liked."""

    min_rating: float = 3.5


@dataclass(frozen=True)
class ContentModel:
    """A movie's score is the sum of its cosines to the movies that the user liked.

    `described_ids` are all movies with a vector, rated or not, ascending; `indptr`, `indices`, `data` are their vectors
    as CSR.
    """

    movie_ids: Ids
    params: ContentParams
    described_ids: Ids
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: Float32Array

    @classmethod
    def fit(
        cls, interactions: Interactions, params: ContentParams | None = None, *, content: ContentVectors | None = None
    ) -> Self:
        """Without `content` no movie has a vector, and every score is 0."""
        known = content or ContentVectors(
            interactions.movie_ids, sp.csr_array((len(interactions.movie_ids), 1), dtype="f4")
        )
        vectors = known.vectors
        csr = (vectors.indptr, vectors.indices, vectors.data)
        return cls(interactions.movie_ids, params or ContentParams(), known.movie_ids, *csr)

    def score(self, interactions: Interactions) -> Float32Array:
        return self._score_vectors(interactions, self._rated_vectors)

    def score_movies(self, interactions: Interactions, movie_ids: npt.ArrayLike) -> Float32Array:
        """Scores of any movies, also of those that nobody has rated: users x len(movie_ids).

        Unknown movies score 0.
        """
        return self._score_vectors(interactions, self._select_vectors(np.asarray(movie_ids)))

    def _score_vectors(self, interactions: Interactions, vectors: sp.csr_array) -> Float32Array:
        profiles = binarize_likes(interactions.user_items, self.params.min_rating) @ self._rated_vectors
        return np.asarray((profiles @ vectors.T).toarray(), dtype=np.float32)

    @cached_property
    def _rated_vectors(self) -> sp.csr_array:
        return self._select_vectors(self.movie_ids)

    def _select_vectors(self, movie_ids: Ids) -> sp.csr_array:
        rows = index_of_ids(self.described_ids, movie_ids)
        width = int(self.indices.max(initial=0)) + 1
        vectors = sp.csr_array((self.data, self.indices, self.indptr), shape=(len(self.described_ids), width))
        there = sp.csr_array(
            ((rows != UNKNOWN).astype(np.float32), (np.arange(len(rows)), np.maximum(rows, 0))),
            shape=(len(rows), len(self.described_ids)),
        )
        return sp.csr_array(there @ vectors)

    def save(self, folder: Path) -> None:
        vectors = {"indptr": self.indptr, "indices": self.indices, "data": self.data}
        save_model_parts(folder, self, described_ids=self.described_ids, **vectors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, ContentParams, "described_ids", "indptr", "indices", "data"))
