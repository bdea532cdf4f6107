"""The two-stage recommender: retrieval, features, ranking; popular movies for unknown users."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from movierec.data.interactions import MAX_UINT16, UNKNOWN, Float32Array, Ids, Indices, Interactions, index_of_ids
from movierec.data.top_k import iter_blocks, to_ranking_table
from movierec.features.matrix import Features
from movierec.recommender.diversification import N_RERANKED, diversify
from movierec.recommender.explanations import N_EXPLAINED, explain_columns, find_influential_ratings
from movierec.recommender.popular import PopularMovies
from movierec.recommender.ranker import Ranker, order_candidates
from movierec.recommender.recommendations import CANDIDATES_ONLY, TWO_STAGE, Recommendations
from movierec.recommender.retrieval import CANDIDATES_PER_CHANNEL, Retrieval
from movierec.recommender.stages import observe_stage
from movierec.recommender.training_rows import CandidateBlock, build_ranker_matrix, list_ranker_features


@dataclass(frozen=True)
class Recommender:
    """The recommender that is both evaluated and served: both use `_rank_candidates`.

    `features` must be of the same cut as the channels. Without a ranker the candidates are ordered by their fused
    scores. `popular` is shown to unknown users. `diversity` (0 to 1) is the weight of maximal marginal relevance over
    genres. Raises ValueError if the ranker was trained on other features than this code makes.
    """

    retrieval: Retrieval
    features: Features
    ranker: Ranker | None
    popular: PopularMovies
    diversity: float = 0.0

    def __post_init__(self) -> None:
        if self.ranker is None:
            return
        wanted, has = (
            self.ranker.feature_names,
            list_ranker_features(self.retrieval.channels, self.features.feature_names),
        )
        if wanted != has:
            raise ValueError(
                f"the ranker reads other features than this code makes ({sorted(set(wanted) ^ set(has))}): train again"
            )

    @property
    def interactions(self) -> Interactions:
        """The ratings that the channels were fitted on."""
        return self.retrieval.interactions

    def recommend_for_users(
        self, user_ids: npt.ArrayLike, *, n: int, folded_in: "FoldedInUsers | None" = None
    ) -> pl.DataFrame:
        """The `n` best movies of each user: `user_id, movie_id, score, rank`. Unknown users have no rows.

        With `folded_in` the users are taken from there instead of the fit.
        """
        return pl.concat(
            [to_ranking_table(*_EMPTY_RANKING), *self.iter_recommendations(user_ids, n=n, folded_in=folded_in)]
        )

    def iter_recommendations(
        self, user_ids: npt.ArrayLike, *, n: int, folded_in: "FoldedInUsers | None" = None
    ) -> Iterator[pl.DataFrame]:
        """As `recommend_for_users`, one table per block of users, so that memory is bounded."""
        interactions = folded_in.interactions if folded_in else self.interactions
        rows = interactions.find_user_rows(np.asarray(user_ids, dtype=np.int32))
        for block in iter_blocks(rows[rows != UNKNOWN], self.retrieval.values_per_user):
            ranked_rows = self._rank_candidates(self.find_candidates(block, n=n, folded_in=folded_in), n=n)
            yield to_ranking_table(interactions.user_ids[block], interactions.movie_ids, *ranked_rows)

    def recommend_for_user(
        self, user_id: int, *, n: int, depth: int = 0, explain: bool = False, without: Collection[int] = ()
    ) -> Recommendations:
        """Recommendations for one user, without the movie ids in `without`; popular movies for an unknown user.

        They are the first `n` of a list of `depth`: lists of one depth begin alike, whatever `n` is. Empty
        only if `without` holds every popular movie.
        """
        row = int(self.interactions.find_user_rows([user_id])[0])
        if row == UNKNOWN:
            return self.popular.recommend(n=n, without=without)
        return self._recommend_one(np.array([row]), n=n, depth=depth, explain=explain, without=without)

    def recommend_from_ratings(
        self,
        movie_ids: Sequence[int],
        ratings: Sequence[float],
        *,
        n: int,
        depth: int = 0,
        genres: Sequence[str] = (),
        explain: bool = False,
        without: Collection[int] = (),
    ) -> Recommendations:
        """Recommendations for a visitor who is known only by these ratings, oldest first.

        `depth` is as in `recommend_for_user`. The rated movies are excluded, and so are the ids in `without`, such as
        movies that were watched and not rated.
        If none of the rated movies is in the fit, popular movies of the chosen `genres` are returned. Raises ValueError
        for lists of different lengths and for ratings outside 0.5 to 5.
        """
        folded_in = self._fold_in_interactions(self._build_single_user(movie_ids, ratings))
        if len(folded_in.interactions.user_ids) == 0:
            in_genres = self.features.has_any_genre(self.popular.movie_ids, genres)
            return self.popular.recommend(n=n, without={*movie_ids, *without}, in_genres=in_genres)
        return self._recommend_one(
            np.array([0]), n=n, depth=depth, folded_in=folded_in, explain=explain, without=without
        )

    def influential_ratings(self, movie_ids: Sequence[int], ratings: Sequence[float], recommended_id: int) -> list[int]:
        """The rated movies that would be named as influential in the explanation of one movie; no ranker is needed.

        Empty if no rated movie, or not the recommended one, is in the fit.
        """
        columns = self.interactions.find_movie_columns([recommended_id])
        single_user = self._build_single_user(movie_ids, ratings)
        if len(single_user.user_ids) == 0 or columns[0] == UNKNOWN:
            return []
        proposals = self.retrieval.propose(single_user, n=self._n_candidates)
        (moved,) = find_influential_ratings(self.retrieval, single_user, proposals, columns, top=N_EXPLAINED)
        return moved

    def _build_single_user(self, movie_ids: Sequence[int], ratings: Sequence[float]) -> Interactions:
        """These ratings as one new user, all dated on the day of the newest rating in the features."""
        last = float(self.features.user_times.max(initial=1970))
        return build_single_user_interactions(
            movie_ids, ratings, self.interactions.movie_ids, rated_on=round((last - 1970) * 365.25)
        )

    def _fold_in_interactions(self, interactions: Interactions) -> "FoldedInUsers":
        """The users of `interactions` with their features."""
        return FoldedInUsers(interactions, self.features.fold_in(interactions))

    def fold_in(self, ratings: pl.LazyFrame) -> "FoldedInUsers":
        """The users of a table `user_id, movie_id, rating, rated_at`, who are known by these ratings alone."""
        return self._fold_in_interactions(Interactions.from_ratings(ratings, self.interactions.movie_ids))

    def _recommend_one(
        self,
        row: Indices,
        *,
        n: int,
        depth: int,
        folded_in: "FoldedInUsers | None" = None,
        explain: bool = False,
        without: Collection[int] = (),
    ) -> Recommendations:
        """Recommendations for the single user in `row`, without the movie ids in `without`."""
        n_ranked = max(n, depth)
        with observe_stage("retrieval"):
            candidates = self.find_candidates(row, n=n_ranked, folded_in=folded_in, without=without)
        with observe_stage("ranking"):
            columns, scores = (part[:, :n] for part in self._rank_candidates(candidates, n=n_ranked))
        found = columns[0] != UNKNOWN
        movie_ids = self.interactions.movie_ids[columns[0][found]].tolist()
        explanations = {}
        if explain:
            with observe_stage("explanation"):
                told = explain_columns(self.retrieval, self.ranker, candidates, columns[0][found])
            explanations = {each.movie_id: each for each in told}
        return Recommendations(self.model, movie_ids, scores[0][found].tolist(), explanations)

    @property
    def model(self) -> str:
        """The name of what answers known users: TWO_STAGE, or CANDIDATES_ONLY without a ranker."""
        return CANDIDATES_ONLY if self.ranker is None else TWO_STAGE

    def _rank_candidates(self, candidates: CandidateBlock, *, n: int) -> tuple[Indices, Float32Array]:
        """Columns and scores of the `n` best candidates of each user, after diversification; both users x n.

        Only the first N_RERANKED are diversified, so that a longer list begins with the shorter one.
        """
        if not self.diversity:
            return order_candidates(self.ranker, candidates, n=n)
        columns, scores = order_candidates(self.ranker, candidates, n=max(n, N_RERANKED))
        first = columns[:, :N_RERANKED], scores[:, :N_RERANKED]
        diverse = diversify(self.features, self.interactions.movie_ids, *first, weight=self.diversity, n=N_RERANKED)
        rest = columns[:, N_RERANKED:], scores[:, N_RERANKED:]
        return np.hstack([diverse[0], rest[0]])[:, :n], np.hstack([diverse[1], rest[1]])[:, :n]

    @property
    def _n_candidates(self) -> int:
        """Candidates per user: as many as the ranker was trained with."""
        return CANDIDATES_PER_CHANNEL if self.ranker is None else self.ranker.n_candidates

    def find_candidates(
        self, rows: Indices, *, n: int, folded_in: "FoldedInUsers | None" = None, without: Collection[int] = ()
    ) -> CandidateBlock:
        """The candidates of each row, as many as the ranker learnt from, or more where more are asked for; none of the
        movie ids `without`."""
        interactions, features = folded_in or (self.interactions, self.features)
        depth = max(n, N_RERANKED) if self.diversity else n
        users = interactions.select_users(rows)
        columns = interactions.find_movie_columns(list(without))
        left_out = columns[columns != UNKNOWN]
        proposals = self.retrieval.propose(users, n=max(depth, self._n_candidates), without=left_out)
        matrix = build_ranker_matrix(self.retrieval, features, users.user_ids, proposals) if self.ranker else None
        return CandidateBlock(users, proposals, matrix)

    def save(self, folder: Path) -> None:
        """Writes each stage into a folder of its own name, and config.json."""
        for stage in ("retrieval", "features", "ranker", "popular"):
            part = getattr(self, stage)
            if part is not None:
                part.save(folder / stage)
        (folder / "config.json").write_text(json.dumps({"model": self.model, "diversity": self.diversity}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; arrays are mapped read-only.

        Raises OSError or ValueError if a part is missing or broken.
        """
        config = json.loads((folder / "config.json").read_text())
        return cls(
            Retrieval.load(folder / "retrieval"),
            Features.load(folder / "features"),
            Ranker.load(folder / "ranker") if config["model"] == TWO_STAGE else None,
            PopularMovies.load(folder / "popular"),
            config.get("diversity", 0.0),
        )


class FoldedInUsers(NamedTuple):
    """Users outside the fit: their ratings, with the movie columns of the fit, and their features."""

    interactions: Interactions
    features: Features


def build_single_user_interactions(
    movie_ids: Sequence[int], ratings: Sequence[float], known_movie_ids: Ids, *, rated_on: int
) -> Interactions:
    """Ratings as interactions of a single user with id 0; `movie_ids` and `ratings` are in order, oldest first.

    Columns are `known_movie_ids`; other movies are dropped. Of several ratings of one movie the last counts. All are
    dated `rated_on` (days from 1970). Raises ValueError for lists of different lengths and for ratings outside 0.5 to
    5.
    """
    if len(movie_ids) != len(ratings):
        raise ValueError(f"{len(movie_ids)} movies but {len(ratings)} ratings: give one rating a movie")
    for movie_id, rating in zip(movie_ids, ratings, strict=True):
        if not 0.5 <= rating <= 5:
            raise ValueError(f"rating {rating} of movie {movie_id} does not lie between 0.5 and 5")
    places = index_of_ids(known_movie_ids, movie_ids)[::-1]
    there = places != UNKNOWN
    columns, newest = np.unique(places[there], return_index=True)
    stars = np.asarray(ratings, np.float32)[::-1][there][newest]
    recency = np.argsort(np.argsort(newest)) + 1
    users = np.zeros(min(len(columns), 1), np.int32)
    indptr = np.array([0] + [len(columns)] * len(users), np.int32)
    items = sp.csr_array((stars, columns.astype(np.int32), indptr), shape=(len(users), len(known_movie_ids)))
    days = np.full(len(columns), rated_on, np.uint16)
    return Interactions(users, known_movie_ids, items, np.minimum(recency, MAX_UINT16).astype(np.uint16), days)


_EMPTY_RANKING = (
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    np.empty((0, 1), np.intp),
    np.empty((0, 1), np.float32),
)
