"""Validation of the ranker inside of history and labels: what is chosen is chosen here, never on the holdout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates import CANDIDATE_MODELS
from movierec.data.interactions import UNKNOWN, Ids, Interactions, Scores
from movierec.data.schema import RELEVANT
from movierec.data.splitting import known_at, part_of, split_by_user
from movierec.data.top_k import as_table
from movierec.evaluation import metrics
from movierec.evaluation.holdout import KNOWN, MAX_USERS, relevant_pairs
from movierec.features.matrix import Features
from movierec.recommender.ranker import Ranker, RankerParams, ranked
from movierec.recommender.retrieval import RECOMMENDERS, Proposals, Retrieval
from movierec.recommender.training_rows import label_rows, ranker_features, ranker_matrix

CHANNELS = RECOMMENDERS["two_stage"]
N_CANDIDATES = 100


class Fitted(NamedTuple):
    """What a cut knows."""

    retrieval: Retrieval
    features: Features


class Pairs(NamedTuple):
    """Users and movies, beside each other."""

    user_ids: Ids
    movie_ids: Ids


Maker = Callable[[pl.LazyFrame, Pairs], Mapping[str, Scores]]  # new features of pairs, by the ratings of a cut


@dataclass(frozen=True)
class Validation:
    """`rows` teach the ranker, from `history`; from `known` it should find what is `wanted`.

    `split` are history and labels, split again; `disliked` are pairs of its labels that were rated low.
    """

    split: pl.LazyFrame
    history: Fitted
    known: Fitted
    rows: pl.DataFrame
    wanted: pl.DataFrame
    disliked: pl.DataFrame

    @classmethod
    def of(cls, known: pl.LazyFrame, movies: pl.LazyFrame) -> "Validation":
        """`known` are history and labels; they are split again in the same way, so the holdout has no part in it."""
        split = split_by_user(known, labels=0.2, holdout=0.2)

        def fitted(cut: str) -> Fitted:
            ratings = known_at(split, cut)
            interactions = Interactions.of(ratings)
            models = {name: CANDIDATE_MODELS[name].model_class.fit(interactions) for name in CHANNELS}
            return Fitted(Retrieval(models, interactions), Features.at(ratings, movies))

        history = fitted("history")
        labels = part_of(split, "labels")
        return cls(
            split,
            history,
            fitted("known"),
            label_rows(*history, labels, n_candidates=N_CANDIDATES, max_users=MAX_USERS),
            relevant_pairs(split, max_users=MAX_USERS).filter(segment=KNOWN),
            labels.filter(pl.col("rating") < RELEVANT).select("user_id", "movie_id").collect(),
        )

    @cached_property
    def _to_rank(self) -> tuple[Ids, Proposals, Scores]:
        """Users, their candidates and the rows of features: the same for every ranker."""
        users, interactions = self.wanted["user_id"].unique().sort().to_numpy(), self.known.retrieval.interactions
        proposals = self.known.retrieval.propose(interactions.take(interactions.rows_of(users)), n=N_CANDIDATES)
        return users, proposals, ranker_matrix(*self.known, users, proposals)

    def with_features(self, make: Maker) -> tuple[pl.DataFrame, Scores]:
        """`rows` with what `make` says of ratings at a cut and pairs, and the same beside what is to be ranked."""
        users, proposals, _ = self._to_rank
        movie_ids = self.known.retrieval.interactions.movie_ids[np.maximum(proposals.columns, 0).ravel()]
        learnt = Pairs(self.rows["user_id"].to_numpy(), self.rows["movie_id"].to_numpy())
        asked = Pairs(np.repeat(users, proposals.columns.shape[1]), movie_ids)
        rows = self.rows.with_columns(
            pl.Series(name, values) for name, values in make(known_at(self.split, "history"), learnt).items()
        )
        return rows, np.column_stack(list(make(known_at(self.split, "known"), asked).values()))

    def ndcg(
        self,
        rows: pl.DataFrame,
        seeds: Sequence[int],
        params: RankerParams | None = None,
        *,
        more: Scores | None = None,
    ) -> npt.NDArray[np.float64]:
        """nDCG@10 of each user, the mean over rankers of different seeds fitted on `rows`.

        `more` holds what is to be ranked for the last columns of `rows`, where those are new features.
        """
        users, proposals, matrix = self._to_rank
        everything = list(ranker_features(CHANNELS, self.known.features.names))
        if more is not None:
            everything += rows.columns[-more.shape[1] :]
            matrix = np.column_stack([matrix, more])
        found = []
        for seed in seeds:
            ranker = Ranker.fit(rows, replace(params or RankerParams(), seed=seed))
            scores = ranker.score(matrix[:, [everything.index(name) for name in ranker.features]])
            places = np.where(proposals.columns == UNKNOWN, -np.inf, scores.reshape(proposals.columns.shape))
            best = ranked(places, proposals.columns, n=10)
            table = as_table(users, self.known.retrieval.interactions.movie_ids, *best)
            found.append(metrics.per_user(table, self.wanted, ks=[10])["ndcg_at_10"].to_numpy())
        means: npt.NDArray[np.float64] = np.mean(found, axis=0)
        return means
