"""What every candidate model can do."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.array_files import mapped
from movierec.data.interactions import UNKNOWN, Interactions, Rows, Scores
from movierec.data.top_k import as_table, top_unseen


@runtime_checkable
class CandidateModel(Protocol):
    """A fitted model: it exists only after `fit`, and is written and read as open files."""

    @property
    def interactions(self) -> Interactions:
        """What it was fitted on, and so whom and what it knows."""
        ...

    @property
    def params(self) -> Any:
        """Its hyper-parameters, a dataclass of numbers and words."""
        ...

    @classmethod
    def fit(cls, interactions: Interactions, params: Any = None) -> Self:
        """Without `params` those that are committed hold."""
        ...

    def fold_in(self, people: Interactions) -> Scores:
        """Scores of every movie for people given by their ratings alone, by the columns of the fit: people x movies."""
        ...

    def score(self, rows: Rows) -> Scores:
        """Scores of every movie for the users of `rows`: len(rows) x movies, higher is better, freshly made."""
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


@runtime_checkable
class TellsLoss(CandidateModel, Protocol):
    """A model that can say what a single rating is worth without scoring every movie anew."""

    def lost_without(self, one: Interactions, tried: Rows, columns: Rows) -> npt.NDArray[np.floating[Any]]:
        """What the scores of `columns` lose when each of the ratings `tried` is left out: tried x columns.

        `one` is a single person, `tried` are places in `one.user_items.data`. The other ratings stay as recent as they
        were. Movies that the model does not score lose nothing.
        """
        ...


def candidates(
    model: CandidateModel, user_ids: npt.ArrayLike, n: int, *, people: Interactions | None = None
) -> pl.DataFrame:
    """The `n` best unseen movies of each user: `user_id, movie_id, score, rank`. Unknown users have no rows.

    Users are those of the fit, or `people`, who are folded in by their ratings.
    """
    asked = np.asarray(user_ids, dtype=np.int32)
    among = people or model.interactions
    rows = among.rows_of(asked)
    known = rows != UNKNOWN

    def score(block: Rows) -> Scores:
        return model.fold_in(among.take(block)) if people else model.score(block)

    columns, scores = top_unseen(score, among, rows[known], n=n)
    return as_table(asked[known], model.interactions.movie_ids, columns, scores)


def save_parts(folder: Path, model: CandidateModel, **arrays: np.ndarray[Any, Any]) -> None:
    """A model as its interactions, `config.json` with its parameters, and a .npy file for each array."""
    folder.mkdir(parents=True, exist_ok=True)
    model.interactions.save(folder / "interactions")
    (folder / "config.json").write_text(json.dumps(asdict(model.params), indent=1))
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def load_parts(folder: Path, params: type[Any], *arrays: str) -> tuple[Any, ...]:
    """Interactions, parameters and the named arrays, mapped read-only, as `save_parts` wrote them."""
    loaded = (mapped(folder / f"{name}.npy") for name in arrays)
    return (
        Interactions.load(folder / "interactions"),
        params(**json.loads((folder / "config.json").read_text())),
        *loaded,
    )
