"""The ranker: gradient-boosted trees (CatBoost) that order a user's candidates."""

import json
import logging
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.data.interactions import UNKNOWN, Float32Array, Indices
from movierec.data.sampling import VALIDATION_DRAW, hash_to_fraction
from movierec.recommender.training_rows import NON_FEATURE_COLUMNS, CandidateBlock
from movierec.recommender.tree_ensemble import TreeEnsemble

log = logging.getLogger(__name__)
# CatBoost writes these parameters for a summed model, and warns when it reads them again.
EMPTY_PARAMS = ("", '{"flat_params":{}}')
MAX_ROWS_ON_ARRAYS = 5000  # rows; beyond that CatBoost on all cores is faster than the arrays


@dataclass(frozen=True)
class RankerParams:
    """Names as in CatBoost. The loss is also the metric for early stopping, but YetiRank is stopped by nDCG.

    Users are divided into `folds` parts; for each part trees are fitted on the others and stopped early on it. The
    model is the mean of these. From `one_fold_from` users on, only one part is used for that.
    """

    loss_function: str = "QueryRMSE"
    iterations: int = 500
    learning_rate: float = 0.05
    depth: int = 5
    rsm: float = 0.5
    early_stopping_rounds: int = 50
    folds: int = 3
    one_fold_from: int = 2_000
    seed: int = 7

    @property
    def eval_metric(self) -> str:
        """CatBoost's metric for early stopping."""
        return "NDCG:type=Base" if self.loss_function.startswith("YetiRank") else self.loss_function


# The hyper-parameters of the seed design, kept for comparison.
REFERENCE_PARAMS = RankerParams(loss_function="YetiRank", depth=6, rsm=1.0)


@dataclass(frozen=True)
class Ranker:
    """A fitted ranker. `trees` and `catboost_bytes` (CatBoost's own format) are the same model.

    `n_candidates` is the number of candidates per user in training; serve with the same number, because the rank and z
    features depend on it. `n_trees` has one number per fold. `importances` by feature name, in percent, largest first.
    """

    params: RankerParams
    catboost_bytes: bytes
    trees: TreeEnsemble
    feature_names: tuple[str, ...]
    n_trees: tuple[int, ...]
    n_candidates: int
    importances: dict[str, float]

    @classmethod
    def fit(cls, rows: pl.DataFrame, params: RankerParams | None = None) -> Self:
        """Fits a ranker on a table as `build_label_rows` makes it."""
        return cls.fit_with_oof_ranks(rows, params)[0]

    @classmethod
    def fit_with_oof_ranks(cls, rows: pl.DataFrame, params: RankerParams | None = None) -> tuple[Self, pl.DataFrame]:
        """As `fit`; also returns out-of-fold ranks: `query_id, movie_id, rank` (from 1).

        The users of each fold are ranked by the model that was not trained on them (it used them only for early
        stopping). The table is empty where too few users are there to hold a fold out.
        """
        from catboost import sum_models  # noqa: PLC0415  half a second that reading tables need not pay

        p = params or RankerParams()
        features = tuple(name for name in rows.columns if name not in NON_FEATURE_COLUMNS)
        folds = split_folds(rows, p)
        if not folds:
            log.warning("ranker: %d users are too few to set some aside, so few trees", rows["user_id"].n_unique())
            fitted = [_fit_catboost(rows, None, features, p)]
            ranked_by_others = rows.clear().select("query_id", "movie_id", rank=pl.lit(0, pl.Int32))
        else:
            fitted = [_fit_catboost(train, validation, features, p) for train, validation in folds]
            ranked_by_others = pl.concat(
                validation.with_columns(score=pl.Series(model.predict(_make_pool(validation, features)))).select(
                    *_RANK_COLUMNS
                )
                for model, (_, validation) in zip(fitted, folds, strict=True)
            )
        model = fitted[0] if len(fitted) == 1 else sum_models(fitted, weights=[1 / len(fitted)] * len(fitted))
        gains = np.mean([each.get_feature_importance(type="PredictionValuesChange") for each in fitted], axis=0)
        importances = dict(sorted(zip(features, gains.tolist(), strict=True), key=lambda kv: -kv[1]))
        n_trees = tuple(int(each.tree_count_) for each in fitted)
        n_candidates = rows.group_by("query_id").len()["len"].max()
        assert isinstance(n_candidates, int)  # noqa: S101  there are rows, or nothing above would have worked
        ranker = cls(p, *_serialize(model), features, n_trees, n_candidates, importances)
        return ranker, ranked_by_others

    @cached_property
    def catboost_model(self) -> Any:
        """`catboost_bytes` as a catboost.CatBoost object, which has no types."""
        from catboost import CatBoost  # noqa: PLC0415

        return CatBoost().load_model(blob=self.catboost_bytes)

    def score(self, matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """One score per row of features, float64. Only the order among the rows of one user has a meaning."""
        if len(matrix) <= MAX_ROWS_ON_ARRAYS:
            return self.trees.score(matrix)
        scores: npt.NDArray[np.float64] = self.catboost_model.predict(np.asfortranarray(matrix))  # as CatBoost reads it
        return scores

    def save(self, folder: Path) -> None:
        """Writes model.cbm, the arrays of the trees, config.json and feature_importances.csv."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.cbm").write_bytes(self.catboost_bytes)
        self.trees.save(folder)
        config = {
            "features": self.feature_names,
            "best_iteration": self.n_trees,
            "n_candidates": self.n_candidates,
            "params": asdict(self.params),
        }
        (folder / "config.json").write_text(json.dumps(config, indent=1))
        importances = {"feature": list(self.importances), "importance": list(self.importances.values())}
        pl.DataFrame(importances).write_csv(folder / "feature_importances.csv")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        config = json.loads((folder / "config.json").read_text())
        importances = pl.read_csv(folder / "feature_importances.csv")
        return cls(
            RankerParams(**config["params"]),
            (folder / "model.cbm").read_bytes(),
            TreeEnsemble.load(folder),
            tuple(config["features"]),
            tuple(config["best_iteration"]),
            config["n_candidates"],
            dict(importances.iter_rows()),
        )


def _serialize(model: Any) -> tuple[bytes, TreeEnsemble]:
    """The model in CatBoost's own format and as arrays, by way of files: CatBoost writes to nothing else."""
    metadata = model.get_metadata()
    if metadata.get("params") in EMPTY_PARAMS:
        del metadata["params"]
    with TemporaryDirectory() as folder:
        binary, described = Path(folder, "model.cbm"), Path(folder, "model.json")
        model.save_model(str(binary))
        model.save_model(str(described), format="json")
        return binary.read_bytes(), TreeEnsemble.from_catboost_json(json.loads(described.read_text()))


def split_folds(rows: pl.DataFrame, params: RankerParams) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """`(training, validation)` rows of each fold; every user is in exactly one part of it. None of too few users.

    One fold is enough from `one_fold_from` users on; below, every user is in the validation rows of one fold.
    """
    dealt = rows.select(
        (hash_to_fraction(pl.col("user_id"), draw=VALIDATION_DRAW) * params.folds).floor().cast(pl.Int8)
    )
    parts = sorted(dealt.to_series().unique().to_list())
    if len(parts) < 2:
        return []
    watched = parts[:1] if rows["user_id"].n_unique() >= params.one_fold_from else parts
    return [(rows.filter(dealt.to_series() != part), rows.filter(dealt.to_series() == part)) for part in watched]


def _fit_catboost(
    train: pl.DataFrame, validation: pl.DataFrame | None, feature_names: tuple[str, ...], p: RankerParams
) -> Any:
    """Fits one CatBoost model, stopped early on `validation`; without it, with `early_stopping_rounds` trees."""
    from catboost import CatBoost  # noqa: PLC0415

    model = CatBoost(
        {
            "loss_function": p.loss_function,
            "eval_metric": p.eval_metric,
            "iterations": p.early_stopping_rounds if validation is None else p.iterations,
            "learning_rate": p.learning_rate,
            "depth": p.depth,
            "rsm": p.rsm,
            "random_seed": p.seed,
            "allow_writing_files": False,
        }
    )
    model.fit(
        _make_pool(train, feature_names),
        eval_set=None if validation is None else _make_pool(validation, feature_names),
        early_stopping_rounds=None if validation is None else p.early_stopping_rounds,
        verbose=50,
        log_cout=_LogWriter(),
        log_cerr=_LogWriter(),
    )
    return model


def _make_pool(rows: pl.DataFrame, feature_names: tuple[str, ...]) -> Any:
    from catboost import Pool  # noqa: PLC0415

    return Pool(
        np.ascontiguousarray(rows.select(feature_names).to_numpy(), dtype=np.float32),
        label=rows["gain"].to_numpy(),
        group_id=rows["query_id"].to_numpy(),
        feature_names=list(feature_names),
    )


_RANK_COLUMNS = (
    "query_id",
    "movie_id",
    pl.col("score").rank("ordinal", descending=True).over("query_id").cast(pl.Int32).alias("rank"),
)


class _LogWriter:
    """A file-like object that writes CatBoost's output to the log, line by line."""

    def write(self, text: str) -> None:
        for line in filter(None, text.strip().splitlines()):
            log.info("ranker: %s", line.replace("\t", "  "))

    def flush(self) -> None:
        """Does nothing: no output is buffered."""


def order_candidates(ranker: Ranker | None, candidates: CandidateBlock, *, n: int) -> tuple[Indices, Float32Array]:
    """Columns and scores of each user's `n` best candidates, both users x n; by their fused scores without a ranker."""
    columns, scores, _ = candidates.proposals
    if ranker is None or candidates.feature_matrix is None:
        return columns[:, :n], scores[:, :n]
    by_ranker = ranker.score(candidates.feature_matrix).reshape(columns.shape)
    return sort_candidates(np.where(columns == UNKNOWN, -np.inf, by_ranker), columns, n=n)


def sort_candidates(
    matrix_scores: npt.NDArray[np.float64], columns: Indices, *, n: int
) -> tuple[Indices, npt.NDArray[np.float32]]:
    """The first `n` of each row of `columns` by descending score, and their scores; both users x n.

    Equal scores keep the order of the candidates.
    """
    order = np.argsort(-matrix_scores, axis=1, kind="stable")[:, :n]
    scores = np.take_along_axis(matrix_scores, order, axis=1).astype(np.float32)
    return np.take_along_axis(columns, order, axis=1), scores
