"""Models as they are measured: each recommends to the users of the holdout, by what it may know of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.base import candidates
from movierec.evaluation import COLD, FOLDED_IN, KNOWN, random_ranking
from movierec.features import Features
from movierec.interactions import Interactions
from movierec.ranking import Ranker
from movierec.recommender import Popular, Recommender
from movierec.retrieval import RECOMMENDERS, Retrieval
from movierec.schema import CANDIDATES

UserIds = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Measured:
    """A model by what it gives to `known` users, to those `folded_in` by ratings, and to `cold` ones.

    Each answers with `user_id, movie_id, score, rank`; `cold` is None for a model that can say nothing to them, and
    would be replaced by popularity.
    """

    known: Callable[[UserIds, int], pl.DataFrame]
    folded_in: Callable[[UserIds, int, pl.LazyFrame], pl.DataFrame]
    cold: Callable[[UserIds, int], pl.DataFrame] | None = None

    def rankings(self, relevant: pl.DataFrame, given: pl.LazyFrame, *, n: int) -> pl.DataFrame:
        """`segment, user_id, movie_id, score, rank` for the users of `relevant`; `given` is what newcomers rated."""

        def users(segment: str) -> UserIds:
            ids: UserIds = relevant.filter(segment=segment)["user_id"].unique().sort().to_numpy()
            return ids

        tables = {KNOWN: self.known(users(KNOWN), n)}
        folded = users(FOLDED_IN)
        if len(folded):
            tables[FOLDED_IN] = self.folded_in(folded, n, given)
        if self.cold is not None:
            tables[COLD] = self.cold(users(COLD), n)
        return pl.concat([table.with_columns(segment=pl.lit(segment)) for segment, table in tables.items()])


def measured_models(
    models: Mapping[str, CandidateModel], rankers: Mapping[str, Ranker], features: Features
) -> dict[str, Measured]:
    """Chance, every candidate model, the blend of the channels, and every recommender, by name.

    `models` are fitted at one cut, `features` are of it, `rankers` are by the names of RECOMMENDERS.
    """
    interactions = models["popularity"].interactions
    found = {"random": _chance(interactions)}
    found |= {name: _candidates(models[name], everybody_alike=name in ALIKE) for name in CANDIDATE_MODELS}
    popular = Popular(np.empty(0, np.int32), np.empty(0, np.float32))  # nobody unknown is asked about

    def recommender(name: str, ranker: Ranker | None) -> Measured:
        retrieval = Retrieval({channel: models[channel] for channel in RECOMMENDERS[name]})
        return _recommender(Recommender(retrieval, features, ranker, popular))

    found["blend"] = recommender("two_stage", None)
    return found | {name: recommender(name, rankers[name]) for name in RECOMMENDERS}


ALIKE = ("popularity", "trending")  # the same for everybody, and so for cold users too


def _chance(interactions: Interactions) -> Measured:
    return Measured(
        lambda users, n: random_ranking(interactions, users, n=n),
        lambda users, n, given: random_ranking(Interactions.of(given, interactions.movie_ids), users, n=n),
    )


def _candidates(model: CandidateModel, *, everybody_alike: bool) -> Measured:
    movie_ids = model.interactions.movie_ids

    def cold(users: UserIds, n: int) -> pl.DataFrame:
        best = model.score(np.zeros(1, np.intp))[0]
        order = np.argsort(-best, kind="stable")[:n]
        top = pl.DataFrame({"movie_id": movie_ids[order], "score": best[order], "rank": np.arange(1, len(order) + 1)})
        everybody = pl.DataFrame({"user_id": users}).join(top, how="cross")
        return everybody.select(pl.col(name).cast(dtype) for name, dtype in CANDIDATES.items())

    return Measured(
        lambda users, n: candidates(model, users, n),
        lambda users, n, given: candidates(model, users, n, people=Interactions.of(given, movie_ids)),
        cold if everybody_alike else None,
    )


def _recommender(recommender: Recommender) -> Measured:
    return Measured(
        lambda users, n: recommender.recommend(users, n=n),
        lambda users, n, given: recommender.recommend(users, n=n, people=recommender.fold_in(given)),
    )
