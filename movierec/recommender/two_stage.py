"""The two-stage recommender: candidates, features, ranking; popular movies where a user is unknown."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from movierec.data.interactions import LARGEST, UNKNOWN, Ids, Interactions, Rows, Scores, positions
from movierec.data.top_k import as_table, blocks
from movierec.features.matrix import Features
from movierec.recommender.diversification import DEPTH, mmr
from movierec.recommender.explanations import Explanation, Parts, because_of, parts_of
from movierec.recommender.popular import Popular
from movierec.recommender.ranker import Ranker, ranked
from movierec.recommender.retrieval import PER_CHANNEL, Proposals, Retrieval
from movierec.recommender.training_rows import ranker_features, ranker_matrix

TWO_STAGE, CANDIDATES, FALLBACK = "two_stage", "candidates", "popularity_fallback"
POPULAR_IN_GENRES = "popular_in_genres"
TOLD = 3  # features, and rated movies, that an explanation names


class Recommendations(NamedTuple):
    """Movies for one user, best first, and which model chose them: one of the names above.

    `explanations` by movie, where they were asked for; popular movies have none.
    """

    model: str
    movie_ids: list[int]
    scores: list[float]
    explanations: dict[int, Explanation] = {}  # noqa: RUF012  never written


@dataclass(frozen=True)
class Recommender:
    """What is measured is what is served: both go through `_ranked`.

    `features` must be of the cut that the channels were fitted at. Without a ranker the candidates stand in the
    order of their fused scores. `popular` are the movies for unknown users. With `diversity`, 0 to 1, the list is put
    together by maximal marginal relevance over genres with that weight.
    """

    retrieval: Retrieval
    features: Features
    ranker: Ranker | None
    popular: Popular
    diversity: float = 0.0

    def __post_init__(self) -> None:
        if self.ranker is None:
            return
        wanted, has = self.ranker.features, ranker_features(self.retrieval.channels, self.features.names)
        if wanted != has:
            raise ValueError(
                f"the ranker reads other features than this code makes ({sorted(set(wanted) ^ set(has))}): train again"
            )

    @property
    def interactions(self) -> Interactions:
        return self.retrieval.interactions

    def recommend(self, user_ids: npt.ArrayLike, *, n: int, people: "People | None" = None) -> pl.DataFrame:
        """`user_id, movie_id, score, rank` for each known user; others have no rows here."""
        return pl.concat([as_table(*_NOTHING), *self.recommend_in_blocks(user_ids, n=n, people=people)])

    def recommend_in_blocks(
        self, user_ids: npt.ArrayLike, *, n: int, people: "People | None" = None
    ) -> Iterator[pl.DataFrame]:
        """The same, a bounded number of users at a time."""
        interactions = people.interactions if people else self.interactions
        rows = interactions.rows_of(np.asarray(user_ids, dtype=np.int32))
        for block in blocks(rows[rows != UNKNOWN], self.retrieval.width):
            ranked_rows = self._ranked(self._candidates(block, n=n, people=people), n=n)
            yield as_table(interactions.user_ids[block], interactions.movie_ids, *ranked_rows)

    def for_user(
        self, user_id: int, *, n: int, explain: bool = False, without: Collection[int] = ()
    ) -> Recommendations:
        """Recommendations for one user, none of the movie ids `without`; never empty while any other is popular."""
        row = int(self.interactions.rows_of([user_id])[0])
        if row == UNKNOWN:
            return self.popular_in((), n=n, without=without)
        return self._first(np.array([row]), n=n, explain=explain, without=without)

    def for_ratings(
        self,
        movie_ids: Sequence[int],
        ratings: Sequence[float],
        *,
        n: int,
        genres: Sequence[str] = (),
        explain: bool = False,
        without: Collection[int] = (),
    ) -> Recommendations:
        """Recommendations for somebody known by these ratings alone, oldest first, of movies not among them.

        Nor are they among the movie ids `without`, such as movies that were watched and not rated.
        Who has rated no movie of the fit gets what is popular in the chosen `genres`. Never empty while any other
        movie is popular. Raises ValueError for lists of different lengths and for ratings outside 0.5 to 5.
        """
        people = self._people(self._known_by(movie_ids, ratings))
        if len(people.interactions.user_ids) == 0:
            return self.popular_in(genres, n=n, without={*movie_ids, *without})
        return self._first(np.array([0]), n=n, people=people, explain=explain, without=without)

    def _explained(self, candidates: "Candidates", columns: Rows) -> list[Explanation]:
        """Why each of `columns`, which are among the candidates of a single user, is for them."""
        proposed = candidates.proposals.columns[0]
        order = np.argsort(proposed)
        places = order[np.searchsorted(proposed, columns, sorter=order)]
        moved = because_of(self.retrieval, candidates.people, candidates.proposals, columns, top=TOLD)
        parts: Sequence[Parts | None] = [None] * len(columns)
        if self.ranker is not None and candidates.matrix is not None:
            parts = parts_of(self.ranker, candidates.matrix[places], top=TOLD)
        movie_ids = self.interactions.movie_ids[columns].tolist()
        return [Explanation(*each) for each in zip(movie_ids, parts, moved, strict=True)]

    def because_of(self, movie_ids: Sequence[int], ratings: Sequence[float], recommended: int) -> list[int]:
        """The rated movies that an explanation of one movie would name, without the ranker's reasons."""
        columns = self.interactions.columns_of([recommended])
        one = self._known_by(movie_ids, ratings)
        if len(one.user_ids) == 0 or columns[0] == UNKNOWN:
            return []
        proposals = self.retrieval.propose(one, n=self._n_candidates)
        (moved,) = because_of(self.retrieval, one, proposals, columns, top=TOLD)
        return moved

    def _known_by(self, movie_ids: Sequence[int], ratings: Sequence[float]) -> Interactions:
        """Somebody who rated on the last day that the features know."""
        last = float(self.features.user_times.max(initial=1970))
        return ratings_of_one(movie_ids, ratings, self.interactions.movie_ids, today=round((last - 1970) * 365.25))

    def _people(self, known: Interactions) -> "People":
        return People(known, self.features.fold_in(known))

    def fold_in(self, ratings: pl.LazyFrame) -> "People":
        """The users of `ratings` (`user_id, movie_id, rating, rated_at`), who are known by these alone."""
        return self._people(Interactions.of(ratings, self.interactions.movie_ids))

    def popular_in(self, genres: Sequence[str], *, n: int, without: Collection[int] = ()) -> Recommendations:
        """The popular movies of any of `genres`, then the other popular ones; simply the popular ones without any."""
        others = ~np.isin(self.popular.movie_ids, list(without))
        chosen = self.features.of_genres(self.popular.movie_ids, genres)
        order = np.concatenate([np.flatnonzero(others & chosen), np.flatnonzero(others & ~chosen)])[:n]
        model = POPULAR_IN_GENRES if chosen.any() else FALLBACK
        return Recommendations(model, self.popular.movie_ids[order].tolist(), self.popular.scores[order].tolist())

    def _first(
        self,
        row: Rows,
        *,
        n: int,
        people: "People | None" = None,
        explain: bool = False,
        without: Collection[int] = (),
    ) -> Recommendations:
        candidates = self._candidates(row, n=n, people=people, without=without)
        columns, scores = self._ranked(candidates, n=n)
        found = columns[0] != UNKNOWN
        movie_ids = self.interactions.movie_ids[columns[0][found]].tolist()
        told = self._explained(candidates, columns[0][found]) if explain else []
        return Recommendations(self.model, movie_ids, scores[0][found].tolist(), {each.movie_id: each for each in told})

    @property
    def model(self) -> str:
        """What answers for known users: TWO_STAGE or CANDIDATES."""
        return CANDIDATES if self.ranker is None else TWO_STAGE

    def _ranked(self, candidates: "Candidates", *, n: int) -> tuple[Rows, Scores]:
        """Columns and scores of the `n` best of each user's candidates, both users x n."""
        if not self.diversity:
            return self._by_score(candidates, n=n)
        return self.diversified(*self._by_score(candidates, n=max(n, DEPTH)), n=n)

    def diversified(self, columns: Rows, scores: Scores, *, n: int) -> tuple[Rows, Scores]:
        """The first `n` of what `by_score` gave, put together by maximal marginal relevance."""
        movie_ids = self.interactions.movie_ids[np.where(columns == UNKNOWN, 0, columns)]
        vectors = self.features.genre_vectors(movie_ids)
        places = mmr(np.where(columns == UNKNOWN, -np.inf, scores), vectors, weight=self.diversity, n=n)
        return np.take_along_axis(columns, places, axis=1), np.take_along_axis(scores, places, axis=1)

    def by_score(self, rows: Rows, *, n: int, people: "People | None" = None) -> tuple[Rows, Scores]:
        """Columns and scores of the `n` best of each row's candidates, whatever the diversity."""
        return self._by_score(self._candidates(rows, n=n, people=people), n=n)

    @property
    def _n_candidates(self) -> int:
        return PER_CHANNEL if self.ranker is None else self.ranker.n_candidates

    def _candidates(
        self, rows: Rows, *, n: int, people: "People | None", without: Collection[int] = ()
    ) -> "Candidates":
        """As many as the ranker learnt from, or more where more are asked for."""
        interactions, features = people or (self.interactions, self.features)
        depth = max(n, DEPTH) if self.diversity else n
        whom = interactions.take(rows)
        columns = interactions.columns_of(list(without))
        left_out = columns[columns != UNKNOWN]
        proposals = self.retrieval.propose(whom, n=max(depth, self._n_candidates), without=left_out)
        matrix = ranker_matrix(self.retrieval, features, whom.user_ids, proposals) if self.ranker else None
        return Candidates(whom, proposals, matrix)

    def _by_score(self, candidates: "Candidates", *, n: int) -> tuple[Rows, Scores]:
        columns, scores, _ = candidates.proposals
        if self.ranker is None or candidates.matrix is None:
            return columns[:, :n], scores[:, :n]
        by_ranker = self.ranker.score(candidates.matrix).reshape(columns.shape)
        return ranked(np.where(columns == UNKNOWN, -np.inf, by_ranker), columns, n=n)

    def save(self, folder: Path) -> None:
        for stage in ("retrieval", "features", "ranker", "popular"):
            part = getattr(self, stage)
            if part is not None:
                part.save(folder / stage)
        (folder / "config.json").write_text(json.dumps({"model": self.model, "diversity": self.diversity}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Arrays are mapped read-only; raises OSError or ValueError when a part is missing or broken."""
        config = json.loads((folder / "config.json").read_text())
        return cls(
            Retrieval.load(folder / "retrieval"),
            Features.load(folder / "features"),
            Ranker.load(folder / "ranker") if config["model"] == TWO_STAGE else None,
            Popular.load(folder / "popular"),
            config.get("diversity", 0.0),
        )


class Candidates(NamedTuple):
    """What is to be put into order for `people`, and with a ranker its features of it, (users * n) x features."""

    people: Interactions
    proposals: Proposals
    matrix: Scores | None


class People(NamedTuple):
    """Whom to recommend to besides the users of the fit: ratings by the columns of the fit, and features of them."""

    interactions: Interactions
    features: Features


def ratings_of_one(movie_ids: Sequence[int], ratings: Sequence[float], known: Ids, *, today: int) -> Interactions:
    """User 0, known by these ratings of `known` movies, oldest first, all of one day; the last of a movie counts."""
    if len(movie_ids) != len(ratings):
        raise ValueError(f"{len(movie_ids)} movies but {len(ratings)} ratings: give one rating a movie")
    for movie_id, rating in zip(movie_ids, ratings, strict=True):
        if not 0.5 <= rating <= 5:
            raise ValueError(f"rating {rating} of movie {movie_id} does not lie between 0.5 and 5")
    places = positions(known, movie_ids)[::-1]
    there = places != UNKNOWN
    columns, newest = np.unique(places[there], return_index=True)
    stars = np.asarray(ratings, np.float32)[::-1][there][newest]
    recency = np.argsort(np.argsort(newest)) + 1
    users = np.zeros(min(len(columns), 1), np.int32)
    indptr = np.array([0] + [len(columns)] * len(users), np.int32)
    items = sp.csr_array((stars, columns.astype(np.int32), indptr), shape=(len(users), len(known)))
    days = np.full(len(columns), today, np.uint16)
    return Interactions(users, known, items, np.minimum(recency, LARGEST).astype(np.uint16), days)


_NOTHING = (
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    np.empty((0, 1), np.intp),
    np.empty((0, 1), np.float32),
)
