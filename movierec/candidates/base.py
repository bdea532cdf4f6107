"""What every candidate model can do."""

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
    """A fitted model: it exists only after `fit`, and is written and read as open files.

    It holds the ids of its movies and what it learnt, never the ratings: those come with every question.
    """

    @property
    def movie_ids(self) -> Ids:
        """The movies of the fit, ascending: the columns of its scores and of the interactions it scores."""
        ...

    @property
    def params(self) -> Any:
        """Its hyper-parameters, a dataclass of numbers and words."""
        ...

    @classmethod
    def fit(cls, interactions: Interactions, params: Any = None) -> Self:
        """Without `params` those that are committed hold. `interactions` may be mapped read-only."""
        ...

    def score(self, interactions: Interactions) -> Float32Array:
        """Scores of every movie for users known by these ratings alone: users x movies, higher is better, freshly made.

        The columns of `interactions` are `movie_ids`; its users may be of the fit or not.
        """
        ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


@runtime_checkable
class SupportsAttribution(CandidateModel, Protocol):
    """A model that can say what a single rating is worth without scoring every movie anew."""

    def leave_one_out(
        self, single_user: Interactions, entries: Indices, columns: Indices
    ) -> npt.NDArray[np.floating[Any]]:
        """What the scores of `columns` lose when each of the ratings `tried` is left out: tried x columns.

        `one` is a single person, `tried` are places in `one.user_items.data`. The other ratings stay as recent as they
        were. Movies that the model does not score lose nothing.
        """
        ...


def find_top_columns(
    model: CandidateModel, interactions: Interactions, rows: Indices, *, n: int
) -> tuple[Indices, Float32Array]:
    """The `n` best unseen columns of the users in `rows` of `interactions`, and their scores, as `top_unseen` gives
    them."""
    return top_n_unseen(lambda block: model.score(interactions.select_users(block)), interactions, rows, n=n)


def top_candidates(model: CandidateModel, interactions: Interactions, user_ids: npt.ArrayLike, n: int) -> pl.DataFrame:
    """The `n` best unseen movies of each user: `user_id, movie_id, score, rank`.

    Users are known by their ratings in `interactions`; those without any have no rows. Raises ValueError where the
    movies of `interactions` are not those of the fit.
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
    """A model as `config.json` with its parameters, and a .npy file for its movie ids and for each array."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(model.params), indent=1))
    for name, array in {"movie_ids": model.movie_ids, **arrays}.items():
        np.save(folder / f"{name}.npy", array)


def load_model_parts(folder: Path, params_class: type[Any], *array_names: str) -> tuple[Any, ...]:
    """Movie ids, parameters and the named arrays, mapped read-only, as `save_parts` wrote them."""
    movie_ids, *others = (load_mapped_array(folder / f"{name}.npy") for name in ("movie_ids", *array_names))
    return (movie_ids, params_class(**json.loads((folder / "config.json").read_text())), *others)
