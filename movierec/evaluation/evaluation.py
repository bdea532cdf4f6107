"""Evaluates models on the holdout, with bootstrap intervals, and checks the floors below which nothing is published."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.base import top_candidates
from movierec.data.interactions import UNKNOWN, Float32Array, Indices, Interactions
from movierec.data.schema import COMPARED, MEASURED
from movierec.data.splitting import select_part
from movierec.data.top_k import to_ranking_table, top_n_unseen
from movierec.data.windows import RATERS
from movierec.evaluation import metrics
from movierec.evaluation.bootstrap import bootstrap_columns, bootstrap_mean
from movierec.evaluation.holdout import KNOWN_USERS, select_liked_pairs

MIN_USERS_FOR_FLOOR = 6  # of a difference that is to say something: a sign test of fewer never reaches 5 % (two-sided)

# (model, base): nothing is published while the model is surely worse than the base.
FLOORS = (
    *((name, spec.floor) for name, spec in CANDIDATE_MODELS.items() if spec.floor),
    ("two_stage_ials", "popularity"),
    ("two_stage", "popularity"),
)
# (model, base): what each stage adds to the one before.
STAGE_COMPARISONS = (
    *((name, base) for name, spec in CANDIDATE_MODELS.items() for base in spec.compared_with),
    ("two_stage_als", "als"),
    ("two_stage_ials", "ials"),
    ("blend", "ease"),
    ("two_stage", "blend"),
    ("two_stage", "ease"),
    ("two_stage", "ials"),
    ("two_stage", "item_knn"),
    ("two_stage", "transitions"),
)


def evaluate_rankings(
    rankings: pl.DataFrame, relevant: pl.DataFrame, popularity: pl.DataFrame, *, n_movies: int, n_users: int
) -> pl.DataFrame:
    """`segment, model, metric, value, low, high, n` for every model and metric; all models on the same users.

    `rankings`: `segment, model, user_id, movie_id, rank`. `relevant`: as from `select_relevant_pairs`. `popularity`: as
    for `metrics.novelty`. Coverage and Gini are properties of the whole list and have no interval: low and high are
    null.
    """
    rows: list[tuple[str, str, str, float, float | None, float | None, int]] = []
    for (segment, model), ranking in iter_rankings(rankings):
        wanted = relevant.filter(segment=segment)
        scores = metrics.compute_user_metrics(ranking, wanted).drop("user_id")
        bits = metrics.novelty(ranking, popularity, n_users).drop("user_id")
        for table in (scores, bits):
            intervals = bootstrap_columns(table.to_numpy())
            rows += [(segment, model, name, *interval) for name, interval in zip(table.columns, intervals, strict=True)]
        for k in metrics.KS:
            whole = {"coverage": metrics.coverage(ranking, n_movies, k), "gini": metrics.gini(ranking, n_movies, k)}
            rows += [
                (segment, model, f"{name}_at_{k}", value, None, None, len(scores)) for name, value in whole.items()
            ]
    return pl.DataFrame(rows, schema=MEASURED, orient="row")


def validate_on_labels(
    model: CandidateModel, history: Interactions, split: pl.LazyFrame, *, max_users: int
) -> dict[str, float]:
    """Mean metrics of a model fitted on the history, against what its users liked in the labels, for at most
    `max_users`.

    Coverage is a share of the movies of the fit. Empty if nobody liked anything.
    """
    liked = select_liked_pairs(select_part(split, "labels"), max_users=max_users)
    if liked.is_empty():
        return {}
    ranking = top_candidates(model, history, liked["user_id"].unique().to_numpy(), max(metrics.KS))
    return metrics.compute_mean_metrics(ranking, liked, len(model.movie_ids))


def iter_rankings(rankings: pl.DataFrame) -> Iterator[tuple[tuple[str, str], pl.DataFrame]]:
    """((segment, model), ranking) for each segment and model, in the order of the table."""
    for (segment, model), ranking in rankings.group_by("segment", "model", maintain_order=True):
        yield (str(segment), str(model)), ranking.drop("segment", "model")


def compare_models(rankings: pl.DataFrame, relevant: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """`segment, model, base, value, low, high, n`: paired difference of nDCG@10 for each pair (model, base).

    Pairs are compared in every segment where both have a ranking; value is the model's mean minus the base's.
    """
    scores = {
        (segment, model): _compute_ndcg(ranking, relevant.filter(segment=segment))
        for (segment, model), ranking in iter_rankings(rankings)
    }
    rows = [
        (segment, model, base, *bootstrap_mean(scores[segment, model] - scores[segment, base]))
        for segment in rankings["segment"].unique(maintain_order=True)
        for model, base in pairs
        if (segment, model) in scores and (segment, base) in scores
    ]
    return pl.DataFrame(rows, schema=COMPARED, orient="row")


def _compute_ndcg(ranking: pl.DataFrame, relevant: pl.DataFrame) -> npt.NDArray[np.float64]:
    return metrics.compute_user_metrics(ranking, relevant, ks=[10])["ndcg_at_10"].to_numpy()


def list_failed_floors(backtest: pl.DataFrame, sitting: pl.DataFrame) -> list[str]:
    """The floors that models miss with certainty, as sentences; nothing may be published unless the list is empty.

    `backtest` is made by `backtest.compare_scores` and decides over returning users and newcomers. If it is empty,
    because no window was measured, `sitting`, made by `compare_models`, decides. A model misses its floor if the upper
    end of the interval of its difference is below 0 and the difference is over at least MIN_USERS_FOR_FLOOR users. So a
    sample that is too small to tell does not block.
    """
    table, segment = (sitting, KNOWN_USERS) if backtest.is_empty() else (backtest, RATERS)
    return [
        f"{row['model']} is worse than {row['base']}: nDCG@10 {row['value']:+.4f} "
        f"[{row['low']:+.4f}, {row['high']:+.4f}], n = {row['n']}"
        for row in table.iter_rows(named=True)
        if row["segment"] == segment
        and (row["model"], row["base"]) in FLOORS
        and row["high"] < 0
        and row["n"] >= MIN_USERS_FOR_FLOOR
    ]


def rank_randomly(interactions: Interactions, user_ids: npt.ArrayLike, *, n: int, seed: int = 7) -> pl.DataFrame:
    """A random ranking of `n` unseen movies for each user of `interactions`: the lowest baseline."""
    random = np.random.default_rng(seed)
    asked = np.asarray(user_ids, dtype=np.int32)
    rows = interactions.find_user_rows(asked)
    known = rows != UNKNOWN

    def lots(block: Indices) -> Float32Array:
        return random.random((len(block), len(interactions.movie_ids)), dtype=np.float32)

    columns, scores = top_n_unseen(lots, interactions, rows[known], n=n)
    return to_ranking_table(asked[known], interactions.movie_ids, columns, scores)


def out_of_fold_metrics(ranks: pl.DataFrame, rows: pl.DataFrame) -> dict[str, float]:
    """Mean ranking metrics over the queries of `ranks` (the out-of-fold ranks), counting only relevant movies among
    `rows`.

    They measure how well the candidates are ordered. Coverage is a share of the movies in `rows`. Empty if `ranks` is
    empty.
    """
    if ranks.is_empty():
        return {}
    relevant = rows.filter("relevant").join(ranks.select("query_id").unique(), on="query_id", how="semi")
    ranked, wanted = (table.with_columns(user_id="query_id") for table in (ranks, relevant))
    return metrics.compute_mean_metrics(ranked, wanted, rows["movie_id"].n_unique())
