"""Popular movies: the answer to users of whom nothing is known."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.interactions import Float32Array, Ids
from movierec.recommender.recommendations import POPULAR_IN_GENRES, POPULARITY_FALLBACK, Recommendations


@dataclass(frozen=True)
class PopularMovies:
    """Ids and popularity of the popular movies, most popular first."""

    movie_ids: Ids
    scores: Float32Array

    @classmethod
    def from_stats(cls, stats: pl.DataFrame) -> Self:
        """From a table `movie_id, popularity`, most popular first; movies with null popularity are left out."""
        ordered = stats.drop_nulls("popularity")
        return cls(ordered["movie_id"].to_numpy(), ordered["popularity"].to_numpy())

    def recommend(
        self, *, n: int, without: Collection[int] = (), in_genres: npt.NDArray[np.bool_] | None = None
    ) -> Recommendations:
        """The first `n` that are not in `without`, with the movies that are marked `in_genres` before the others.

        `in_genres` is a flag beside each of `movie_ids`; where none is set the movies are simply the popular ones.
        """
        chosen = np.zeros(len(self.movie_ids), bool) if in_genres is None else in_genres
        others = ~np.isin(self.movie_ids, list(without))
        order = np.concatenate([np.flatnonzero(others & chosen), np.flatnonzero(others & ~chosen)])[:n]
        model = POPULAR_IN_GENRES if chosen.any() else POPULARITY_FALLBACK
        return Recommendations(model, self.movie_ids[order].tolist(), self.scores[order].tolist())

    def save(self, folder: Path) -> None:
        """Writes one .npy file per array into `folder`, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "movie_ids.npy", self.movie_ids)
        np.save(folder / "scores.npy", self.scores)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        return cls(np.load(folder / "movie_ids.npy"), np.load(folder / "scores.npy"))
