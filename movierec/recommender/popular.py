"""Popular movies: the answer to users of whom nothing is known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from movierec.data.interactions import Ids, Scores


@dataclass(frozen=True)
class Popular:
    """The popular movies and their popularity, best first."""

    movie_ids: Ids
    scores: Scores

    @classmethod
    def of(cls, stats: pl.DataFrame) -> Self:
        """From a table `movie_id, popularity`, best first; movies without a popularity are left out."""
        ordered = stats.drop_nulls("popularity")
        return cls(ordered["movie_id"].to_numpy(), ordered["popularity"].to_numpy())

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "movie_ids.npy", self.movie_ids)
        np.save(folder / "scores.npy", self.scores)

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(np.load(folder / "movie_ids.npy"), np.load(folder / "scores.npy"))
