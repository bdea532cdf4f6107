"""Item-based nearest neighbours: movies liked by the same users, by cosine (Sarwar et al. 2001)."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from movierec.candidates.base import load_model_parts, save_model_parts
from movierec.data.interactions import Float32Array, Ids, Interactions, binarize_likes


@dataclass(frozen=True)
class ItemKNNParams:
    """`neighbours`: how many similar movies are kept for each movie. Ratings from `min_rating` count as liked."""

    neighbours: int = 400
    min_rating: float = 4.0


@dataclass(frozen=True)
class ItemKNN:
    """A movie's score is the sum of its similarities to the movies that the user liked.

    `indptr`, `indices`, `data` are the similarities as CSR, movies x movies: row i holds what a liked movie i adds to
    each other movie's score.
    """

    movie_ids: Ids
    params: ItemKNNParams
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: Float32Array

    @classmethod
    def fit(cls, interactions: Interactions, params: ItemKNNParams | None = None) -> Self:
        from implicit._nearest_neighbours import all_pairs_knn  # noqa: PLC0415  fitting needs it, serving does not

        p = params or ItemKNNParams()
        users = binarize_likes(interactions.user_items, p.min_rating).astype(np.float64)
        counts = np.bincount(users.indices, minlength=users.shape[1])
        users.data /= np.sqrt(counts[users.indices])  # so that the product of two columns is their cosine
        # The nearest of a movie is itself, which is then left out.
        pairs = all_pairs_knn(sp.csr_matrix(users), K=p.neighbours + 1, num_threads=0, show_progress=False)
        others = pairs.row != pairs.col
        parts = (pairs.data[others].astype(np.float32), (pairs.col[others], pairs.row[others]))
        similarity = sp.csr_array(parts, shape=pairs.shape)
        similarity.sort_indices()
        return cls(interactions.movie_ids, p, similarity.indptr, similarity.indices, similarity.data)

    def score(self, interactions: Interactions) -> Float32Array:
        scores: Float32Array = (
            binarize_likes(interactions.user_items, self.params.min_rating) @ self._similarity_matrix
        ).toarray()
        return scores

    @cached_property
    def _similarity_matrix(self) -> sp.csr_array:
        shape = (len(self.movie_ids),) * 2
        return sp.csr_array((self.data, self.indices, self.indptr), shape=shape)

    def save(self, folder: Path) -> None:
        save_model_parts(folder, self, indptr=self.indptr, indices=self.indices, data=self.data)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*load_model_parts(folder, ItemKNNParams, "indptr", "indices", "data"))
