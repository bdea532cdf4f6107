"""The two-stage recommender: candidates, features, ranking; popular movies where a user is unknown."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.features import Features
from movierec.interactions import UNKNOWN, Ids, Rows, Scores, as_table, blocks, stand_ins, top_unseen
from movierec.ranking import Ranker, ranked

TWO_STAGE, FALLBACK = "two_stage", "popularity_fallback"


class Recommendations(NamedTuple):
    """Movies for one user, best first, and which model chose them: TWO_STAGE or FALLBACK."""

    model: str
    movie_ids: list[int]
    scores: list[float]


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


@dataclass(frozen=True)
class Recommender:
    """What is measured is what is served: both go through `_rank`.

    `features` must be of the cut that the model was fitted at. `popular` are the movies for unknown users.
    """

    candidate_model: CandidateModel
    features: Features
    ranker: Ranker
    popular: Popular
    n_candidates: int = 200

    def recommend(self, user_ids: npt.ArrayLike, *, n: int) -> pl.DataFrame:
        """`user_id, movie_id, score, rank` for each known user; others have no rows here."""
        interactions = self.candidate_model.interactions
        asked = np.asarray(user_ids, dtype=np.int32)
        rows = interactions.rows_of(asked)
        known = rows[rows != UNKNOWN]
        tables = [
            as_table(interactions.user_ids[block], interactions.movie_ids, *self._rank(block, n=n))
            for block in blocks(known, len(interactions.movie_ids))
        ]
        return pl.concat([as_table(*_NOTHING), *tables])

    def for_user(self, user_id: int, *, n: int) -> Recommendations:
        """Recommendations for one user; never empty while any movie is popular."""
        row = int(self.candidate_model.interactions.rows_of([user_id])[0])
        if row == UNKNOWN:
            return Recommendations(FALLBACK, self.popular.movie_ids[:n].tolist(), self.popular.scores[:n].tolist())
        columns, scores = self._rank(np.array([row]), n=n)
        found = columns[0] != UNKNOWN
        movie_ids = self.candidate_model.interactions.movie_ids[columns[0][found]]
        return Recommendations(TWO_STAGE, movie_ids.tolist(), scores[0][found].tolist())

    def _rank(self, rows: Rows, *, n: int) -> tuple[Rows, Scores]:
        """Columns and ranker scores of the `n` best of each row's candidates, both len(rows) x n."""
        interactions = self.candidate_model.interactions
        n_candidates = max(n, min(self.n_candidates, len(interactions.movie_ids)))
        columns, scores = top_unseen(self.candidate_model.score, interactions, rows, n=n_candidates)
        filled, filled_scores = stand_ins(columns, scores)
        matrix = self.features.matrix(interactions.user_ids[rows], interactions.movie_ids[filled], filled_scores)
        by_ranker = self.ranker.score(matrix).reshape(columns.shape)
        return ranked(np.where(columns == UNKNOWN, -np.inf, by_ranker), columns, n=n)

    def save(self, folder: Path) -> None:
        for stage in ("candidate_model", "features", "ranker", "popular"):
            getattr(self, stage).save(folder / stage)
        (model,) = (name for name, kind in CANDIDATE_MODELS.items() if kind is type(self.candidate_model))
        config = {"candidate_model": model, "n_candidates": self.n_candidates}
        (folder / "config.json").write_text(json.dumps(config))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Arrays are mapped read-only; raises OSError or ValueError when a part is missing or broken."""
        config = json.loads((folder / "config.json").read_text())
        return cls(
            CANDIDATE_MODELS[config["candidate_model"]].load(folder / "candidate_model"),
            Features.load(folder / "features"),
            Ranker.load(folder / "ranker"),
            Popular.load(folder / "popular"),
            config["n_candidates"],
        )


_NOTHING = (
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    np.empty((0, 1), np.intp),
    np.empty((0, 1), np.float32),
)
