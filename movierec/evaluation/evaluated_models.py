"""Adaptors that let every model rank movies for each segment of users."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.base import top_candidates
from movierec.candidates.content import ContentModel
from movierec.data.interactions import UNKNOWN, Float32Array, Ids, Interactions, index_of_ids
from movierec.data.schema import CANDIDATES
from movierec.data.top_k import to_ranking_table, top_n
from movierec.evaluation.evaluation import rank_randomly
from movierec.features.matrix import Features
from movierec.recommender.popular import PopularMovies
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, Retrieval
from movierec.recommender.two_stage import Recommender

UserIds = npt.NDArray[np.int32]
RANDOM_SEED = 7


@dataclass(frozen=True)
class EvaluatedModel:
    """How a model ranks movies for each segment; all functions return `user_id, movie_id, score, rank`.

    `rank_known_users(user_ids, n)` ranks for users of the fit, `rank_folded_in_users(user_ids, n, given)` for new users
    by their `given` ratings. `rank_cold_users(user_ids, n)` is None for models that cannot rank without ratings.
    `rank_cold_movies(user_ids, n, given)` ranks movies that nobody has rated, for new users; None for models that do
    not know them.
    """

    rank_known_users: Callable[[UserIds, int], pl.DataFrame]
    rank_folded_in_users: Callable[[UserIds, int, pl.LazyFrame], pl.DataFrame]
    rank_cold_users: Callable[[UserIds, int], pl.DataFrame] | None = None
    rank_cold_movies: Callable[[UserIds, int, pl.LazyFrame], pl.DataFrame] | None = None


def build_evaluated_models(
    models: Mapping[str, CandidateModel],
    rankers: Mapping[str, Ranker],
    interactions: Interactions,
    features: Features,
) -> dict[str, EvaluatedModel]:
    """All models of the evaluation by name: random, every candidate model, the blend of channels, every recommender.

    `models`, `interactions` and `features` must be of one cut; `rankers` by the names in RECOMMENDER_CHANNELS. Models
    and
    rankers that the site does not serve may be missing; then the recommenders that need them are missing too.
    """
    found = {"random": _build_random_model(interactions)}
    for name, spec in CANDIDATE_MODELS.items():
        if name in models:
            found[name] = build_candidate_model(models[name], interactions, is_non_personal=spec.is_same_for_everybody)
    content = models.get("content")
    if isinstance(content, ContentModel):
        scores = {"random": _random_scores, "content": content.score_movies}
        for name, score in scores.items():
            found[name] = replace(found[name], rank_cold_movies=make_cold_movie_ranking(content, score))
    popular = PopularMovies(np.empty(0, np.int32), np.empty(0, np.float32))  # nobody unknown is asked about

    def recommender(name: str, ranker: Ranker | None) -> EvaluatedModel:
        retrieval = Retrieval({channel: models[channel] for channel in RECOMMENDER_CHANNELS[name]}, interactions)
        return _build_recommender(Recommender(retrieval, features, ranker, popular))

    found["blend"] = recommender("two_stage", None)
    for name, channels in RECOMMENDER_CHANNELS.items():
        if name in rankers and all(channel in models for channel in channels):
            found[name] = recommender(name, rankers[name])
    return found


def _build_random_model(interactions: Interactions) -> EvaluatedModel:
    return EvaluatedModel(
        lambda users, n: rank_randomly(interactions, users, n=n),
        lambda users, n, given: rank_randomly(Interactions.from_ratings(given, interactions.movie_ids), users, n=n),
    )


def _random_scores(interactions: Interactions, movie_ids: Ids) -> Float32Array:
    return np.random.default_rng(RANDOM_SEED).random((len(interactions.user_ids), len(movie_ids)), dtype=np.float32)


def make_cold_movie_ranking(
    content: ContentModel, score: Callable[[Interactions, Ids], Float32Array]
) -> Callable[[UserIds, int, pl.LazyFrame], pl.DataFrame]:
    """Rankings of the movies that have a vector of content and no rating, but for what the user was given."""
    others = np.setdiff1d(content.described_ids, content.movie_ids)

    def found(users: UserIds, n: int, given: pl.LazyFrame) -> pl.DataFrame:
        people = Interactions.from_ratings(given, content.movie_ids)
        rows = people.find_user_rows(users)
        known = users[rows != UNKNOWN]
        scores = score(people.select_users(rows[rows != UNKNOWN]), others)
        seen = given.filter(pl.col("movie_id").is_in(others) & pl.col("user_id").is_in(known)).collect()
        scores[
            index_of_ids(known, seen["user_id"].to_numpy()), index_of_ids(others, seen["movie_id"].to_numpy())
        ] = -np.inf
        columns, best = top_n(scores, n=min(n, len(others)))
        return to_ranking_table(known, others, np.where(np.isneginf(best), UNKNOWN, columns), best)

    return found


def build_candidate_model(
    model: CandidateModel, interactions: Interactions, *, is_non_personal: bool
) -> EvaluatedModel:
    """A fitted candidate model. One that `is_non_personal` also answers cold users."""
    movie_ids = interactions.movie_ids

    def cold(users: UserIds, n: int) -> pl.DataFrame:
        best = model.score(interactions.select_users(np.zeros(1, np.intp)))[0]
        order = np.argsort(-best, kind="stable")[:n]
        top = pl.DataFrame({"movie_id": movie_ids[order], "score": best[order], "rank": np.arange(1, len(order) + 1)})
        everybody = pl.DataFrame({"user_id": users}).join(top, how="cross")
        return everybody.select(pl.col(name).cast(dtype) for name, dtype in CANDIDATES.items())

    return EvaluatedModel(
        lambda users, n: top_candidates(model, interactions, users, n),
        lambda users, n, given: top_candidates(model, Interactions.from_ratings(given, movie_ids), users, n),
        cold if is_non_personal else None,
    )


def _build_recommender(recommender: Recommender) -> EvaluatedModel:
    return EvaluatedModel(
        lambda users, n: recommender.recommend_for_users(users, n=n),
        lambda users, n, given: recommender.recommend_for_users(users, n=n, folded_in=recommender.fold_in(given)),
    )
