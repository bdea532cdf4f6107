"""The interface of candidate models, and how they are saved and asked for candidates."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.array_files import load_mapped_array
from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Indices, Interactions
from movierec.data.top_k import to_ranking_table, top_n_unseen


@runtime_checkable
class CandidateModel(Protocol):
    """A fitted candidate model. `fit` is the only way to make one; `save` and `load` use plain files.

    It holds the ids of its movies and what it learnt, never the ratings: the caller passes those to `score`.
    """

    @property
    def movie_ids(self) -> Ids:
        """The movies of the fit, ascending: the columns of its scores and of the interactions it scores."""
        ...

    @property
    def params(self) -> Any:
        """The hyper-parameters: a dataclass of numbers and strings."""
        ...

    @classmethod
    def fit(cls, interactions: Interactions, params: Any = None) -> Self:
        """Fits a model on `interactions`, which may be mapped read-only.

        Without `params` the defaults of the model's parameter class are used.
        """
        ...

    def score(self, interactions: Interactions) -> Float32Array:
        """Scores of every movie for users who are given by their ratings: users x movies, float32, higher is better.

        The columns of `interactions` are `movie_ids`; its users need not be of the fit. A movie that the model cannot
        score may have -inf. The array is new: callers may overwrite it.
        """
        ...

    def save(self, folder: Path) -> None:
        """Writes the model into `folder`, which is made if needed."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; arrays are mapped read-only."""


@runtime_checkable
class SupportsAttribution(CandidateModel, Protocol):
    """A model that can compute quickly how its scores change when a single rating is left out."""

    def leave_one_out(
        self, single_user: Interactions, entries: Indices, columns: Indices
    ) -> npt.NDArray[np.floating[Any]]:
        """How much the scores of `columns` fall when each rating in `entries` is left out: len(entries) x len(columns).

        `single_user` holds the ratings of one user, `entries` are positions in `single_user.user_items.data`. The
        recency of the other ratings does not change. The value is 0 for movies that the model does not score.
        """
        ...


def find_top_columns(
    model: CandidateModel, interactions: Interactions, rows: Indices, *, n: int
) -> tuple[Indices, Float32Array]:
    """The `n` best unseen columns of the users in `rows` of `interactions`, and their scores, as `top_n_unseen` gives
    them."""
    return top_n_unseen(lambda block: model.score(interactions.select_users(block)), interactions, rows, n=n)


def top_candidates(model: CandidateModel, interactions: Interactions, user_ids: npt.ArrayLike, n: int) -> pl.DataFrame:
    """The `n` best unseen movies of each user: `user_id, movie_id, score, rank`. Unknown users have no rows.

    Users are known by their ratings in `interactions`. Raises ValueError if its movies are not those of the fit.
    """
    check_movies(model, interactions)
    asked = np.asarray(user_ids, dtype=np.int32)
    rows = interactions.find_user_rows(asked)
    known = rows != UNKNOWN
    return to_ranking_table(
        asked[known], interactions.movie_ids, *find_top_columns(model, interactions, rows[known], n=n)
    )


def check_movies(model: CandidateModel, interactions: Interactions) -> None:
    """Raises ValueError where the columns of `interactions` are not those that the model was fitted on."""
    if not np.array_equal(model.movie_ids, interactions.movie_ids):
        raise ValueError(
            f"{type(model).__name__} was fitted on other movies ({len(model.movie_ids):,}) than those of the "
            f"interactions ({len(interactions.movie_ids):,}): both must be of one cut"
        )


def save_model_parts(folder: Path, model: CandidateModel, **arrays: np.ndarray[Any, Any]) -> None:
    """Writes a model as `config.json` with its parameters, and one .npy file for its movie ids and for each array."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(model.params), indent=1))
    for name, array in {"movie_ids": model.movie_ids, **arrays}.items():
        np.save(folder / f"{name}.npy", array)


def load_model_parts(folder: Path, params_class: type[Any], *array_names: str) -> tuple[Any, ...]:
    """Movie ids, parameters and the named arrays (mapped read-only), as `save_model_parts` wrote them."""
    movie_ids, *others = (load_mapped_array(folder / f"{name}.npy") for name in ("movie_ids", *array_names))
    return (movie_ids, params_class(**json.loads((folder / "config.json").read_text())), *others)
