"""Ablation: what the ranker loses without a group of its features, or gains by other negatives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec import metrics
from movierec.candidates import CANDIDATE_MODELS
from movierec.evaluation import KNOWN, Interval, bootstrap, relevant_pairs
from movierec.features import (
    GENRE_FEATURES,
    MOVIE_FEATURES,
    PAIR_FEATURES,
    USER_FEATURES,
    Features,
    movie_features,
    user_features,
)
from movierec.interactions import UNKNOWN, Ids, Interactions, Scores
from movierec.ranking import RELEVANT, Ranker, RankerParams, label_rows, ranked, ranker_features, ranker_matrix
from movierec.retrieval import RECOMMENDERS, Proposals, Retrieval
from movierec.splits import known_at, part_of, split_by_user

CHANNELS = RECOMMENDERS["two_stage"]
N_CANDIDATES = 100
UNIFORM_SEED = 7


def groups() -> dict[str, Callable[[str], bool]]:
    """Groups of features by name, each as the question whether a feature belongs to it."""
    signals = [name for name in ranker_features(CHANNELS) if name.startswith(CHANNELS)]
    return {
        "features of the user": lambda name: name in USER_FEATURES,
        "features of the movie": lambda name: name in MOVIE_FEATURES and name not in GENRE_FEATURES,
        "genre flags": lambda name: name in GENRE_FEATURES,
        "user x movie crosses": lambda name: name in PAIR_FEATURES,
        "the last 5 and 20 ratings": lambda name: "_last" in name,
        "scores": lambda name: name in signals and name.endswith("_score"),
        "ranks": lambda name: name in signals and name.endswith("_rank"),
        "standardised scores": lambda name: name in signals and name.endswith("_z"),
        **{f"{channel}'s signals": _starts_with(channel) for channel in CHANNELS},
    }


def _starts_with(channel: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(channel)


@dataclass(frozen=True)
class Bench:
    """Validation inside of history and labels: the ranker's rows, and the candidates of the users to be ranked."""

    rows: pl.DataFrame
    retrieval: Retrieval
    features: Features
    wanted: pl.DataFrame

    @classmethod
    def of(cls, known: pl.LazyFrame, movies: pl.LazyFrame) -> "Bench":
        """`known` are history and labels; they are split again in the same way, so the holdout has no part in it."""
        split = split_by_user(known, labels=0.2, holdout=0.2)

        def fitted(cut: str) -> tuple[Retrieval, Features]:
            ratings = known_at(split, cut)
            interactions = Interactions.of(ratings)
            tables = user_features(ratings, movies).collect(), movie_features(ratings, movies).collect()
            return Retrieval({name: CANDIDATE_MODELS[name].fit(interactions) for name in CHANNELS}), Features.of(
                *tables
            )

        retrieval, features = fitted("history")
        labels = part_of(split, "labels")
        rows = label_rows(retrieval, features, labels, n_candidates=N_CANDIDATES, max_users=100_000)
        wanted = relevant_pairs(split, max_users=100_000).filter(segment=KNOWN)
        disliked = labels.filter(pl.col("rating") < RELEVANT).select("user_id", "movie_id").collect()
        marked = rows.join(disliked.with_columns(disliked=pl.lit(value=True)), on=["user_id", "movie_id"], how="left")
        return cls(marked.with_columns(pl.col("disliked").fill_null(value=False)), *fitted("known"), wanted)

    @cached_property
    def _to_rank(self) -> tuple[Ids, Proposals, Scores]:
        """Users, their candidates and the rows of features: the same for every ranker."""
        users = self.wanted["user_id"].unique().sort().to_numpy()
        proposals = self.retrieval.propose(self.retrieval.interactions.rows_of(users), n=N_CANDIDATES)
        return users, proposals, ranker_matrix(self.retrieval, self.features, users, proposals)

    def ndcg(self, rows: pl.DataFrame, seeds: Sequence[int]) -> npt.NDArray[np.float64]:
        """nDCG@10 of each user, the mean over rankers of different seeds fitted on `rows`."""
        users, proposals, matrix = self._to_rank
        everything = list(ranker_features(CHANNELS))
        found = []
        for seed in seeds:
            ranker = Ranker.fit(rows, RankerParams(seed=seed))
            scores = ranker.score(matrix[:, [everything.index(name) for name in ranker.features]])
            places = np.where(proposals.columns == UNKNOWN, -np.inf, scores.reshape(proposals.columns.shape))
            columns, _ = ranked(places, proposals.columns, n=10)
            table = pl.DataFrame(
                {
                    "user_id": np.repeat(users, 10),
                    "movie_id": self.retrieval.interactions.movie_ids[columns.ravel()],
                    "rank": np.tile(np.arange(1, 11, dtype=np.int32), len(users)),
                }
            )
            found.append(metrics.per_user(table, self.wanted, ks=[10])["ndcg_at_10"].to_numpy())
        means: npt.NDArray[np.float64] = np.mean(found, axis=0)
        return means


def ablation(bench: Bench, *, seeds: Sequence[int], told: Callable[[str], None]) -> dict[str, Interval]:
    """The mean nDCG@10 of the whole, then by name of what was changed the paired difference to it."""
    whole_rows = bench.rows.drop("disliked")
    whole = bench.ndcg(whole_rows, seeds)
    found = {"": bootstrap(whole)}
    for name, rows in _variants(bench.rows).items():
        told(name)
        found[name] = bootstrap(bench.ndcg(rows, seeds) - whole)
    return found


def _variants(rows: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    plain = rows.drop("disliked")
    without = {
        f"without {group}": plain.drop([name for name in plain.columns if belongs(name)])
        for group, belongs in groups().items()
    }
    lot = np.random.default_rng(UNIFORM_SEED).random(len(rows)) < 0.3
    shown = pl.col("relevant") | pl.col("disliked")
    negatives = {
        "negatives: the first 30 candidates": rows.filter(
            pl.col("relevant") | (pl.int_range(pl.len()).over("user_id") < 30)
        ),
        "negatives: a uniform 30 % of the candidates": rows.filter(pl.col("relevant") | pl.Series(lot)),
        "negatives: rated low only, where there are any": rows.filter(
            pl.when(pl.col("disliked").any().over("user_id")).then(shown).otherwise(statement=True)
        ),
    }
    return without | {name: table.drop("disliked") for name, table in negatives.items()}
