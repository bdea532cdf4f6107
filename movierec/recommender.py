"""The two-stage recommender: candidates, features, ranking; popular movies where a user is unknown."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.features import Features
from movierec.interactions import UNKNOWN, Ids, Interactions, Rows, Scores, as_table, blocks
from movierec.ranking import Ranker, ranked, ranker_features, ranker_matrix
from movierec.retrieval import PER_CHANNEL, Retrieval

TWO_STAGE, CANDIDATES, FALLBACK = "two_stage", "candidates", "popularity_fallback"


class Recommendations(NamedTuple):
    """Movies for one user, best first, and which model chose them: TWO_STAGE, CANDIDATES or FALLBACK."""

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

    `features` must be of the cut that the channels were fitted at. Without a ranker the candidates stand in the
    order of their fused scores. `popular` are the movies for unknown users.
    """

    retrieval: Retrieval
    features: Features
    ranker: Ranker | None
    popular: Popular

    def __post_init__(self) -> None:
        if self.ranker is None:
            return
        wanted, has = self.ranker.features, ranker_features(self.retrieval.channels)
        if wanted != has:
            raise ValueError(
                f"the ranker reads other features than this code makes ({sorted(set(wanted) ^ set(has))}): train again"
            )

    @property
    def interactions(self) -> Interactions:
        return self.retrieval.interactions

    def recommend(self, user_ids: npt.ArrayLike, *, n: int) -> pl.DataFrame:
        """`user_id, movie_id, score, rank` for each known user; others have no rows here."""
        return pl.concat([as_table(*_NOTHING), *self.recommend_in_blocks(user_ids, n=n)])

    def recommend_in_blocks(self, user_ids: npt.ArrayLike, *, n: int) -> Iterator[pl.DataFrame]:
        """The same, a bounded number of users at a time."""
        interactions = self.interactions
        rows = interactions.rows_of(np.asarray(user_ids, dtype=np.int32))
        for block in blocks(rows[rows != UNKNOWN], self.retrieval.width):
            yield as_table(interactions.user_ids[block], interactions.movie_ids, *self._rank(block, n=n))

    def for_user(self, user_id: int, *, n: int) -> Recommendations:
        """Recommendations for one user; never empty while any movie is popular."""
        row = int(self.interactions.rows_of([user_id])[0])
        if row == UNKNOWN:
            return Recommendations(FALLBACK, self.popular.movie_ids[:n].tolist(), self.popular.scores[:n].tolist())
        columns, scores = self._rank(np.array([row]), n=n)
        found = columns[0] != UNKNOWN
        movie_ids = self.interactions.movie_ids[columns[0][found]]
        return Recommendations(self.model, movie_ids.tolist(), scores[0][found].tolist())

    @property
    def model(self) -> str:
        """What answers for known users: TWO_STAGE or CANDIDATES."""
        return CANDIDATES if self.ranker is None else TWO_STAGE

    def _rank(self, rows: Rows, *, n: int) -> tuple[Rows, Scores]:
        """Columns and scores of the `n` best of each row's candidates, both len(rows) x n."""
        n_candidates = PER_CHANNEL if self.ranker is None else self.ranker.n_candidates
        proposals = self.retrieval.propose(rows, n=max(n, n_candidates))
        if self.ranker is None:
            return proposals.columns[:, :n], proposals.scores[:, :n]
        matrix = ranker_matrix(self.retrieval, self.features, rows, proposals)
        by_ranker = self.ranker.score(matrix).reshape(proposals.columns.shape)
        return ranked(np.where(proposals.columns == UNKNOWN, -np.inf, by_ranker), proposals.columns, n=n)

    def save(self, folder: Path) -> None:
        for stage in ("retrieval", "features", "ranker", "popular"):
            part = getattr(self, stage)
            if part is not None:
                part.save(folder / stage)
        (folder / "config.json").write_text(json.dumps({"model": self.model}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Arrays are mapped read-only; raises OSError or ValueError when a part is missing or broken."""
        config = json.loads((folder / "config.json").read_text())
        return cls(
            Retrieval.load(folder / "retrieval"),
            Features.load(folder / "features"),
            Ranker.load(folder / "ranker") if config["model"] == TWO_STAGE else None,
            Popular.load(folder / "popular"),
        )


_NOTHING = (
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    np.empty((0, 1), np.intp),
    np.empty((0, 1), np.float32),
)
