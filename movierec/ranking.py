"""The ranker: gradient-boosted trees that put a user's candidates into order (CatBoost)."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates.base import CandidateModel
from movierec.features import RANKER_FEATURES, Features
from movierec.interactions import UNKNOWN, Ids, Rows, blocks, stand_ins, top_unseen
from movierec.sampling import bucket

log = logging.getLogger(__name__)

LABELS_DRAW, VALIDATION_DRAW = 1, 2
RELEVANT = 4.0  # a rating from which a movie counts as liked


def label_rows(
    model: CandidateModel, features: Features, labels: pl.LazyFrame, *, n_candidates: int, max_users: int
) -> pl.DataFrame:
    """What the ranker learns from: `user_id, movie_id, relevant` and RANKER_FEATURES, a user's rows together.

    Each user's rows are the candidates of `model`, fitted before `labels`; relevant are those that the user
    then rated RELEVANT or better. Users with none among their candidates teach nothing and are left out; of
    more than `max_users` a fixed draw by id is taken.
    """
    liked = labels.filter(pl.col("rating") >= RELEVANT).select("user_id", "movie_id").collect(engine="streaming")
    users = (
        liked.select(pl.col("user_id").unique())
        .sort(bucket(pl.col("user_id"), draw=LABELS_DRAW), "user_id")
        .head(max_users)["user_id"]
        .sort()
    )
    interactions = model.interactions
    liked_by = liked.group_by("user_id").agg("movie_id")
    liked_movies = dict(zip(liked_by["user_id"].to_list(), liked_by["movie_id"].to_list(), strict=True))
    known = interactions.rows_of(users.to_numpy())
    tables = []
    for block in blocks(known[known != UNKNOWN], len(interactions.movie_ids)):
        user_ids = interactions.user_ids[block]
        columns, scores = top_unseen(model.score, interactions, block, n=n_candidates)
        filled, filled_scores = stand_ins(columns, scores)
        movie_ids = interactions.movie_ids[filled]
        relevant = np.stack(
            [np.isin(movies, liked_movies[user]) for user, movies in zip(user_ids.tolist(), movie_ids, strict=True)]
        )
        relevant &= columns != UNKNOWN
        matrix = features.matrix(user_ids, movie_ids, filled_scores)
        table = _label_table(user_ids, movie_ids, relevant, matrix)
        teaches = np.repeat(relevant.any(axis=1), columns.shape[1]) & (columns != UNKNOWN).ravel()
        tables.append(table.filter(teaches))
    rows = pl.concat(tables) if tables else pl.DataFrame()
    if rows.is_empty():
        raise ValueError(
            f"no user of {len(users)} liked one of the {n_candidates} candidates they were given: the ranker has "
            "nothing to learn from; take a larger sample or more candidates"
        )
    return rows


def _label_table(
    user_ids: Ids, movie_ids: Ids, relevant: npt.NDArray[np.bool_], matrix: npt.NDArray[np.float32]
) -> pl.DataFrame:
    ids = {"user_id": np.repeat(user_ids, movie_ids.shape[1]), "movie_id": movie_ids.ravel()}
    return pl.DataFrame(ids | {"relevant": relevant.ravel()}).hstack(
        pl.DataFrame(matrix, schema=list(RANKER_FEATURES), orient="row")
    )


@dataclass(frozen=True)
class RankerParams:
    """Names as in CatBoost. `validation`: share of users that early stopping watches and nothing is learnt from."""

    loss_function: str = "YetiRank"
    iterations: int = 500
    learning_rate: float = 0.05
    depth: int = 6
    early_stopping_rounds: int = 50
    eval_metric: str = "NDCG:type=Base"  # of all candidates: on few users the first ten are too noisy to stop by
    validation: float = 0.2
    seed: int = 7


@dataclass(frozen=True)
class Ranker:
    """A fitted ranker; `importances` are in percent, by feature, largest first."""

    params: RankerParams
    model: Any  # catboost.CatBoost, which has no types
    best_iteration: int
    importances: dict[str, float]

    @classmethod
    def fit(cls, rows: pl.DataFrame, params: RankerParams | None = None) -> Self:
        """From a table as `label_rows` makes it."""
        from catboost import CatBoost  # noqa: PLC0415  half a second that reading tables need not pay

        p = params or RankerParams()
        watched = bucket(pl.col("user_id"), draw=VALIDATION_DRAW) < p.validation
        train, validation = rows.filter(~watched), rows.filter(watched)
        alone = train.is_empty() or validation.is_empty()
        if alone:
            log.warning("ranker: %d users are too few to set some aside, so few trees", rows["user_id"].n_unique())
        model = CatBoost(
            {
                "loss_function": p.loss_function,
                "eval_metric": p.eval_metric,
                "iterations": min(p.iterations, p.early_stopping_rounds) if alone else p.iterations,
                "learning_rate": p.learning_rate,
                "depth": p.depth,
                "random_seed": p.seed,
                "allow_writing_files": False,
            }
        )
        model.fit(
            _pool(rows if alone else train),
            eval_set=None if alone else _pool(validation),
            early_stopping_rounds=None if alone else p.early_stopping_rounds,
            verbose=50,
            log_cout=_LogLines(),
            log_cerr=_LogLines(),
        )
        gains = model.get_feature_importance(type="PredictionValuesChange")
        importances = dict(sorted(zip(RANKER_FEATURES, gains.tolist(), strict=True), key=lambda kv: -kv[1]))
        return cls(p, model, int(model.tree_count_), importances)

    def score(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """One score a row of RANKER_FEATURES; only their order within a user means something."""
        scores: npt.NDArray[np.float64] = self.model.predict(matrix, thread_count=1 if len(matrix) < 5000 else -1)
        return scores

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_model(str(folder / "model.cbm"))
        config = {"features": RANKER_FEATURES, "best_iteration": self.best_iteration, "params": asdict(self.params)}
        (folder / "config.json").write_text(json.dumps(config, indent=1))
        importances = {"feature": list(self.importances), "importance": list(self.importances.values())}
        pl.DataFrame(importances).write_csv(folder / "feature_importances.csv")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ValueError when the ranker was fitted on other features than this code makes."""
        from catboost import CatBoost  # noqa: PLC0415

        config = json.loads((folder / "config.json").read_text())
        if tuple(config["features"]) != RANKER_FEATURES:
            differing = sorted(set(config["features"]) ^ set(RANKER_FEATURES))
            raise ValueError(f"{folder}: fitted on other features than this code makes ({differing}); train again")
        model = CatBoost()
        model.load_model(str(folder / "model.cbm"))
        importances = pl.read_csv(folder / "feature_importances.csv")
        return cls(RankerParams(**config["params"]), model, config["best_iteration"], dict(importances.iter_rows()))


def _pool(rows: pl.DataFrame) -> Any:
    from catboost import Pool  # noqa: PLC0415

    matrix = rows.select(RANKER_FEATURES).to_numpy()
    return Pool(
        np.ascontiguousarray(matrix, dtype=np.float32),
        label=rows["relevant"].cast(pl.Float32).to_numpy(),
        group_id=rows["user_id"].to_numpy(),
        feature_names=list(RANKER_FEATURES),
    )


class _LogLines:
    """CatBoost's output, line by line into the log."""

    def write(self, text: str) -> None:
        for line in filter(None, text.strip().splitlines()):
            log.info("ranker: %s", line.replace("\t", "  "))

    def flush(self) -> None:
        """Nothing is held back."""


def ranked(matrix_scores: npt.NDArray[np.float64], columns: Rows, *, n: int) -> tuple[Rows, npt.NDArray[np.float32]]:
    """Each row of `columns` by descending score, the first `n`; equal scores keep the candidates' order."""
    order = np.argsort(-matrix_scores, axis=1, kind="stable")[:, :n]
    scores = np.take_along_axis(matrix_scores, order, axis=1).astype(np.float32)
    return np.take_along_axis(columns, order, axis=1), scores
