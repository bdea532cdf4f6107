"""Ranking metrics per user over the full catalogue, with binary relevance."""

from collections.abc import Sequence

import numpy as np
import polars as pl

KS = (5, 10, 20)


def compute_user_metrics(rankings: pl.DataFrame, relevant: pl.DataFrame, ks: Sequence[int] = KS) -> pl.DataFrame:
    """One row per user of `relevant`: `user_id` and `{ndcg,recall,precision,map,mrr}_at_{k}` for each k, ordered by
    user_id.

    `rankings`: `user_id, movie_id, rank` (from 1; a movie at most once per user). `relevant`: the pairs to be found. A
    user without a ranking scores 0. Formulas (Järvelin and Kekäläinen 2002; Manning et al. 2008, ch. 8), with rel_i = 1
    if the movie at rank i is relevant, and R = number of relevant movies of the user:

    ndcg@k = sum_i rel_i / log2(i + 1), divided by the same sum for a ranking whose first min(k, R) movies are relevant
    recall@k = hits / R; precision@k = hits / k
    map@k = sum_i rel_i * precision@i, divided by min(k, R)
    mrr@k = 1 / rank of the first hit, 0 without one
    """
    totals = relevant.group_by("user_id").agg(n_relevant=pl.len())
    hits = (
        rankings.join(relevant.select("user_id", "movie_id"), on=["user_id", "movie_id"])
        .sort("user_id", "rank")
        .with_columns(nth_hit=pl.int_range(1, pl.len() + 1).over("user_id"))
    )
    gain = 1 / (pl.col("rank") + 1).log(2)
    precision_here = pl.col("nth_hit") / pl.col("rank")
    first_hit = pl.when(pl.col("nth_hit") == 1).then(1 / pl.col("rank")).otherwise(0.0)
    summed = {"gain": gain, "hits": pl.lit(1.0), "precisions": precision_here, "mrr_at": first_hit}
    sums = hits.group_by("user_id").agg(
        expression.filter(pl.col("rank") <= k).sum().alias(f"{name}_{k}")
        for k in ks
        for name, expression in summed.items()
    )
    best = pl.DataFrame({"n": range(1, max(ks) + 1)}).select(
        pl.col("n").cast(totals.schema["n_relevant"]), ideal=(1 / (pl.col("n") + 1).log(2)).cum_sum()
    )
    table = totals.join(sums, on="user_id", how="left").with_columns(pl.all().exclude("user_id").fill_null(0))
    for k in ks:
        findable = pl.min_horizontal(pl.col("n_relevant"), pl.lit(k)).cast(best.schema["n"])
        table = (
            table.with_columns(n=findable)
            .join(best, on="n")
            .with_columns(
                (pl.col(f"gain_{k}") / pl.col("ideal")).alias(f"ndcg_at_{k}"),
                (pl.col(f"hits_{k}") / pl.col("n_relevant")).alias(f"recall_at_{k}"),
                (pl.col(f"hits_{k}") / k).alias(f"precision_at_{k}"),
                (pl.col(f"precisions_{k}") / pl.col("n")).alias(f"map_at_{k}"),
            )
            .drop("n", "ideal")
        )
    return table.select("user_id", pl.col(r"^(ndcg|recall|precision|map|mrr)_at_\d+$")).sort("user_id")


def compute_mean_metrics(rankings: pl.DataFrame, relevant: pl.DataFrame, n_movies: int) -> dict[str, float]:
    """Means of `compute_user_metrics` over the users of `relevant`, and `coverage_at_{k}` as a share of `n_movies`."""
    found = compute_user_metrics(rankings, relevant).drop("user_id").mean().row(0, named=True)
    return found | {f"coverage_at_{k}": coverage(rankings, n_movies, k) for k in KS}


def coverage(rankings: pl.DataFrame, n_movies: int, k: int) -> float:
    """Share of the `n_movies` movies that are among the first `k` of at least one user."""
    return rankings.filter(pl.col("rank") <= k)["movie_id"].n_unique() / max(1, n_movies)


def novelty(rankings: pl.DataFrame, popularity: pl.DataFrame, n_users: int, ks: Sequence[int] = KS) -> pl.DataFrame:
    """`user_id, novelty_at_{k}`: mean self-information of a user's first k movies, in bits (Zhou et al. 2010).

    The self-information of a movie is -log2(number of its ratings / `n_users`); a movie without ratings counts as rated
    once. `popularity` is `movie_id, n_ratings`.
    """
    bits = -(pl.col("n_ratings").fill_null(0).clip(lower_bound=1) / max(1, n_users)).log(2)
    informed = rankings.join(popularity.select("movie_id", "n_ratings"), on="movie_id", how="left")
    return (
        informed.group_by("user_id")
        .agg(bits.filter(pl.col("rank") <= k).mean().alias(f"novelty_at_{k}") for k in ks)
        .sort("user_id")
    )


def gini(rankings: pl.DataFrame, n_movies: int, k: int) -> float:
    """Gini coefficient of how often each of `n_movies` movies is shown in the first `k` places (Gini 1912).

    0: all equally often; near 1: only a few movies. sum_i (2i - n - 1) x_i / (n sum x), with the counts x in ascending
    order; nan if nothing is shown.
    """
    shown = rankings.filter(pl.col("rank") <= k).group_by("movie_id").len()["len"].sort().to_numpy()
    if not len(shown):
        return float("nan")
    place = np.arange(n_movies - len(shown) + 1, n_movies + 1)  # those never shown come first and add nothing
    return float(((2 * place - n_movies - 1) * shown).sum() / (n_movies * shown.sum()))
