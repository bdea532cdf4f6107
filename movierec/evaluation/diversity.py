"""What re-ranking by maximal marginal relevance (MMR) costs and gains, for several weights."""

import numpy as np
import polars as pl

from movierec.data.top_k import iter_blocks, to_ranking_table
from movierec.evaluation import metrics
from movierec.evaluation.bootstrap import bootstrap_mean
from movierec.recommender.diversification import N_RERANKED, diversify, intra_list_distance
from movierec.recommender.ranker import Ranker, order_candidates
from movierec.recommender.two_stage import Recommender

DIVERSITY_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
LIST_LENGTH = 10


def measure_diversity(
    recommender: Recommender, ranker: Ranker, relevant: pl.DataFrame, *, n_movies: int
) -> pl.DataFrame:
    """`weight, metric, value, low, high, n`: nDCG, its paired difference to weight 0, mean genre distance within a
    list, and coverage (the share of `n_movies`), all at LIST_LENGTH.

    `relevant` (`user_id, movie_id`) is what the users, who must be known to the recommender, should find.
    """
    users = relevant["user_id"].unique().sort().to_numpy()
    interactions, features = recommender.interactions, recommender.features
    in_blocks = [
        order_candidates(ranker, recommender.find_candidates(block, n=N_RERANKED), n=N_RERANKED)
        for block in iter_blocks(interactions.find_user_rows(users), recommender.retrieval.values_per_user)
    ]
    ranked = [np.concatenate(parts) for parts in zip(*in_blocks, strict=True)]
    rows: list[tuple[float, str, float, float | None, float | None, int]] = []
    undiversified = np.zeros(0)
    for weight in DIVERSITY_WEIGHTS:
        chosen = diversify(features, interactions.movie_ids, *ranked, weight=weight, n=LIST_LENGTH)
        found = to_ranking_table(users, interactions.movie_ids, *chosen)
        ndcg = metrics.compute_user_metrics(found, relevant, ks=[LIST_LENGTH])[f"ndcg_at_{LIST_LENGTH}"].to_numpy()
        undiversified = ndcg if weight == 0 else undiversified
        whole = found.filter(pl.col("rank").max().over("user_id") == LIST_LENGTH)
        apart = intra_list_distance(features.get_genre_vectors(whole["movie_id"].to_numpy().reshape(-1, LIST_LENGTH)))
        measured = {"ndcg": ndcg, "ndcg_difference": ndcg - undiversified, "genre_distance": apart}
        rows += [(weight, f"{name}_at_{LIST_LENGTH}", *bootstrap_mean(values)) for name, values in measured.items()]
        coverage = metrics.coverage(found, n_movies, LIST_LENGTH)
        rows.append((weight, f"coverage_at_{LIST_LENGTH}", coverage, None, None, len(users)))
    return pl.DataFrame(rows, schema=["weight", "metric", "value", "low", "high", "n"], orient="row")
