"""What every candidate model can do."""

from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.interactions import UNKNOWN, Interactions, Rows, Scores, as_table, top_unseen


@runtime_checkable
class CandidateModel(Protocol):
    """A fitted model: it exists only after `fit`, and is written and read as open files."""

    @property
    def interactions(self) -> Interactions:
        """What it was fitted on, and so whom and what it knows."""
        ...

    @classmethod
    def fit(cls, interactions: Interactions) -> Self: ...

    def score(self, rows: Rows) -> Scores:
        """Scores of every movie for the users of `rows`: len(rows) x movies, higher is better, freshly made."""
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


def candidates(model: CandidateModel, user_ids: npt.ArrayLike, n: int) -> pl.DataFrame:
    """The `n` best unseen movies of each user: `user_id, movie_id, score, rank`. Unknown users have no rows."""
    asked = np.asarray(user_ids, dtype=np.int32)
    rows = model.interactions.rows_of(asked)
    known = rows != UNKNOWN
    columns, scores = top_unseen(model.score, model.interactions, rows[known], n=n)
    return as_table(asked[known], model.interactions.movie_ids, columns, scores)
