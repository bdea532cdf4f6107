"""Validation of the ranker within history and labels. All choices are made here, never on the holdout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates import CANDIDATE_MODELS
from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Interactions
from movierec.data.sampling import MAX_USERS_PER_SEGMENT
from movierec.data.schema import RELEVANT
from movierec.data.splitting import ratings_at_cut, select_part, split_by_user
from movierec.data.top_k import to_ranking_table
from movierec.evaluation import metrics
from movierec.evaluation.holdout import KNOWN_USERS, select_relevant_pairs
from movierec.features.matrix import Features
from movierec.recommender.ranker import Ranker, RankerParams, sort_candidates
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, Proposals, Retrieval
from movierec.recommender.training_rows import build_label_rows, build_ranker_matrix, list_ranker_features

VALIDATION_CHANNELS = RECOMMENDER_CHANNELS["two_stage"]
N_CANDIDATES = 100


class FittedCut(NamedTuple):
    """The channels and features of one cut."""

    retrieval: Retrieval
    features: Features


class UserMoviePairs(NamedTuple):
    """Users and movies as two arrays of equal length: one pair per place."""

    user_ids: Ids
    movie_ids: Ids


FeatureMaker = Callable[
    [pl.LazyFrame, UserMoviePairs], Mapping[str, Float32Array]
]  # new features of pairs, by the ratings of a cut


@dataclass(frozen=True)
class Validation:
    """The ranker is trained on `rows`, made at `history_cut`; from `known_cut` it should find the pairs in `relevant`.

    `split` is history and labels of the data set, split again. `disliked` are pairs of its labels rated below RELEVANT.
    """

    split: pl.LazyFrame
    history_cut: FittedCut
    known_cut: FittedCut
    rows: pl.DataFrame
    relevant: pl.DataFrame
    disliked: pl.DataFrame

    @classmethod
    def from_ratings(cls, known_ratings: pl.LazyFrame, movies: pl.LazyFrame) -> "Validation":
        """`known_ratings` are history and labels; they are split again in the same way, so the holdout is not used."""
        split = split_by_user(known_ratings, labels=0.2, holdout=0.2)

        def fitted(cut: str) -> FittedCut:
            ratings = ratings_at_cut(split, cut)
            interactions = Interactions.from_ratings(ratings)
            models = {name: CANDIDATE_MODELS[name].fit(interactions) for name in VALIDATION_CHANNELS}
            return FittedCut(Retrieval(models, interactions), Features.from_ratings(ratings, movies))

        history = fitted("history")
        labels = select_part(split, "labels")
        return cls(
            split,
            history,
            fitted("known"),
            build_label_rows(*history, labels, n_candidates=N_CANDIDATES, max_users=MAX_USERS_PER_SEGMENT),
            select_relevant_pairs(split, max_users=MAX_USERS_PER_SEGMENT).filter(segment=KNOWN_USERS),
            labels.filter(pl.col("rating") < RELEVANT).select("user_id", "movie_id").collect(),
        )

    @cached_property
    def _ranking_input(self) -> tuple[Ids, Proposals, Float32Array]:
        """User ids, their candidates and the feature matrix: the same for every ranker."""
        users, interactions = self.relevant["user_id"].unique().sort().to_numpy(), self.known_cut.retrieval.interactions
        proposals = self.known_cut.retrieval.propose(
            interactions.select_users(interactions.find_user_rows(users)), n=N_CANDIDATES
        )
        return users, proposals, build_ranker_matrix(*self.known_cut, users, proposals)

    def add_features(self, make: FeatureMaker) -> tuple[pl.DataFrame, Float32Array]:
        """`rows` with the new features of `make` added, and the same features of the candidates to be ranked (rows x
        new).

        `make` is called with the ratings of a cut and the pairs that need values.
        """
        users, proposals, _ = self._ranking_input
        movie_ids = self.known_cut.retrieval.interactions.movie_ids[np.maximum(proposals.columns, 0).ravel()]
        learnt = UserMoviePairs(self.rows["user_id"].to_numpy(), self.rows["movie_id"].to_numpy())
        asked = UserMoviePairs(np.repeat(users, proposals.columns.shape[1]), movie_ids)
        rows = self.rows.with_columns(
            pl.Series(name, values) for name, values in make(ratings_at_cut(self.split, "history"), learnt).items()
        )
        return rows, np.column_stack(list(make(ratings_at_cut(self.split, "known"), asked).values()))

    def compute_ndcg(
        self,
        rows: pl.DataFrame,
        seeds: Sequence[int],
        params: RankerParams | None = None,
        *,
        extra_features: Float32Array | None = None,
    ) -> npt.NDArray[np.float64]:
        """nDCG@10 of each user, averaged over rankers fitted on `rows` with the given seeds.

        `extra_features` (candidates x new features) are the values for the last columns of `rows` when candidates are
        ranked.
        """
        users, proposals, matrix = self._ranking_input
        everything = list(list_ranker_features(VALIDATION_CHANNELS, self.known_cut.features.feature_names))
        if extra_features is not None:
            everything += rows.columns[-extra_features.shape[1] :]
            matrix = np.column_stack([matrix, extra_features])
        found = []
        for seed in seeds:
            ranker = Ranker.fit(rows, replace(params or RankerParams(), seed=seed))
            scores = ranker.score(matrix[:, [everything.index(name) for name in ranker.feature_names]])
            places = np.where(proposals.columns == UNKNOWN, -np.inf, scores.reshape(proposals.columns.shape))
            best = sort_candidates(places, proposals.columns, n=10)
            table = to_ranking_table(users, self.known_cut.retrieval.interactions.movie_ids, *best)
            found.append(metrics.compute_user_metrics(table, self.relevant, ks=[10])["ndcg_at_10"].to_numpy())
        means: npt.NDArray[np.float64] = np.mean(found, axis=0)
        return means
