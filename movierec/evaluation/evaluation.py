"""How good each model is on the holdout, with intervals, and which floors it must keep."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from movierec.candidates import CANDIDATE_MODELS, CandidateModel
from movierec.candidates.base import top_candidates
from movierec.data.interactions import UNKNOWN, Float32Array, Indices, Interactions
from movierec.data.top_k import to_ranking_table, top_n_unseen
from movierec.evaluation import metrics
from movierec.evaluation.bootstrap import bootstrap_columns, bootstrap_mean
from movierec.evaluation.holdout import KNOWN_USERS, SEGMENTS, _select_liked_pairs, _split_into_segments

MIN_USERS_FOR_FLOOR = 6  # of a difference that is to say something: a sign test of fewer never reaches 5 % (two-sided)

# A model and what it must not be worse than.
FLOORS = (
    *((name, spec.floor) for name, spec in CANDIDATE_MODELS.items() if spec.floor),
    ("two_stage_ials", "popularity"),
    ("two_stage", "popularity"),
)
# What each stage adds to the one before it.
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

    `rankings` is `segment, model, user_id, movie_id, rank`, `popularity` as for `metrics.novelty`. Coverage and Gini
    are of the whole list, not of a user, and have no interval: low and high are null.
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
    return pl.DataFrame(rows, schema=["segment", "model", "metric", "value", "low", "high", "n"], orient="row")


def validate_on_labels(
    model: CandidateModel, history: Interactions, split: pl.LazyFrame, *, max_users: int
) -> dict[str, float]:
    """Metrics of a model fitted on `history`, by what its users liked in the labels: means over a draw of users.

    Coverage is of the movies of the fit. Empty where nobody liked anything.
    """
    liked = _select_liked_pairs(_split_into_segments(split, "labels")[KNOWN_USERS], max_users)
    if liked.is_empty():
        return {}
    ranking = top_candidates(model, history, liked["user_id"].unique().to_numpy(), max(metrics.KS))
    return metrics.compute_mean_metrics(ranking, liked, len(model.movie_ids))


def iter_rankings(rankings: pl.DataFrame) -> Iterator[tuple[tuple[str, str], pl.DataFrame]]:
    """Each segment's and model's ranking, in the order of the table."""
    for (segment, model), ranking in rankings.group_by("segment", "model", maintain_order=True):
        yield (str(segment), str(model)), ranking.drop("segment", "model")


def compare_models(rankings: pl.DataFrame, relevant: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """`segment, model, base, value, low, high, n`: the paired nDCG@10 difference of each (model, base).

    Of every segment in which both have a ranking.
    """
    scores = {
        (segment, model): _compute_ndcg(ranking, relevant.filter(segment=segment))
        for (segment, model), ranking in iter_rankings(rankings)
    }
    rows = [
        (segment, model, base, *bootstrap_mean(scores[segment, model] - scores[segment, base]))
        for segment in SEGMENTS
        for model, base in pairs
        if (segment, model) in scores and (segment, base) in scores
    ]
    return pl.DataFrame(rows, schema=["segment", "model", "base", "value", "low", "high", "n"], orient="row")


def _compute_ndcg(ranking: pl.DataFrame, relevant: pl.DataFrame) -> npt.NDArray[np.float64]:
    return metrics.compute_user_metrics(ranking, relevant, ks=[10])["ndcg_at_10"].to_numpy()


def list_failed_floors(table: pl.DataFrame) -> list[str]:
    """Which of FLOORS are surely missed, in words: nothing may be published while this is not empty.

    `table` is as `differences` makes it. A model fails its floor when even the upper end of the interval of
    its difference lies below zero and that is of FEWEST_USERS or more, so a sample too small to tell does not stop the
    graph.
    """
    return [
        f"{row['model']} is worse than {row['base']}: nDCG@10 {row['value']:+.4f} "
        f"[{row['low']:+.4f}, {row['high']:+.4f}], n = {row['n']}"
        for row in table.iter_rows(named=True)
        if row["segment"] == KNOWN_USERS
        and (row["model"], row["base"]) in FLOORS
        and row["high"] < 0
        and row["n"] >= MIN_USERS_FOR_FLOOR
    ]


def rank_randomly(interactions: Interactions, user_ids: npt.ArrayLike, *, n: int, seed: int = 7) -> pl.DataFrame:
    """`n` unseen movies of each user of `interactions` in an order drawn by lot: the floor of all floors."""
    random = np.random.default_rng(seed)
    asked = np.asarray(user_ids, dtype=np.int32)
    rows = interactions.find_user_rows(asked)
    known = rows != UNKNOWN

    def lots(block: Indices) -> Float32Array:
        return random.random((len(block), len(interactions.movie_ids)), dtype=np.float32)

    columns, scores = top_n_unseen(lots, interactions, rows[known], n=n)
    return to_ranking_table(asked[known], interactions.movie_ids, columns, scores)


def out_of_fold_metrics(ranks: pl.DataFrame, rows: pl.DataFrame) -> dict[str, float]:
    """Means over the users of `ranks` by their relevant rows alone: how well candidates are put into order.

    Coverage is of the movies of `rows`. Empty where nobody has ranks.
    """
    if ranks.is_empty():
        return {}
    relevant = rows.filter("relevant").join(ranks.select("user_id").unique(), on="user_id", how="semi")
    return metrics.compute_mean_metrics(ranks, relevant, rows["movie_id"].n_unique())
