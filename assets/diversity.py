"""Diversity: what re-ranking by maximal marginal relevance (MMR) costs and gains, for several weights."""

from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.features import select_features_at_cut
from assets.protocols import PARQUET_KINDS, PER_USER, build_model_inputs, interactions_input, sample_partitions
from assets.ranking import RANKER_TYPES
from movierec.data.interactions import Interactions
from movierec.data.top_k import iter_blocks, to_ranking_table
from movierec.evaluation import metrics
from movierec.evaluation.bootstrap import bootstrap_mean
from movierec.evaluation.holdout import KNOWN_USERS
from movierec.recommender.diversification import N_RERANKED, diversify, intra_list_distance
from movierec.recommender.popular import PopularMovies
from movierec.recommender.ranker import Ranker, order_candidates
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS, Retrieval
from movierec.recommender.two_stage import Recommender
from resources.io_managers import render_markdown_table

DIVERSITY_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
LIST_LENGTH = 10


@dg.asset(
    ins=interactions_input(PER_USER, "known")
    | build_model_inputs(PER_USER, RECOMMENDER_CHANNELS["two_stage"], "known")
    | {"ranker": dg.AssetIn(dagster_type=RANKER_TYPES["two_stage"])},
    partitions_def=sample_partitions,
    group_name="evaluation",
    kinds=PARQUET_KINDS,
    owners=["team:ml"],
)
def diversity(
    context: dg.AssetExecutionContext,
    relevant: pl.DataFrame,
    movies: pl.DataFrame,
    interactions: Interactions,
    ranker: Ranker,
    user_features: pl.LazyFrame,
    movie_features: pl.LazyFrame,
    **models: Any,
) -> pl.DataFrame:
    """Effect of re-ranking by MMR, a row per weight and metric: `weight, metric, value, low, high, n`.

    Metrics at 10: nDCG, its paired difference to no diversity, mean genre distance within a list, and coverage, for
    known users of the holdout. The site uses the default weight of `Recommender`.
    """
    wanted = relevant.filter(segment=KNOWN_USERS)
    users = wanted["user_id"].unique().sort().to_numpy()
    features = select_features_at_cut("known", user_features, movie_features)
    nobody = PopularMovies(np.empty(0, np.int32), np.empty(0, np.float32))
    retrieval = Retrieval({name: models[name] for name in RECOMMENDER_CHANNELS["two_stage"]}, interactions)
    plain = Recommender(retrieval, features, ranker, nobody, diversity=0.0)
    user_rows = interactions.find_user_rows(users)
    in_blocks = [
        order_candidates(ranker, plain.find_candidates(block, n=N_RERANKED), n=N_RERANKED)
        for block in iter_blocks(user_rows, retrieval.values_per_user)
    ]
    ranked = [np.concatenate(parts) for parts in zip(*in_blocks, strict=True)]
    rows: list[tuple[float, str, float, float | None, float | None, int]] = []
    undiversified = np.zeros(0)
    for weight in DIVERSITY_WEIGHTS:
        chosen = diversify(features, interactions.movie_ids, *ranked, weight=weight, n=LIST_LENGTH)
        found = to_ranking_table(users, interactions.movie_ids, *chosen)
        ndcg = metrics.compute_user_metrics(found, wanted, ks=[LIST_LENGTH])[f"ndcg_at_{LIST_LENGTH}"].to_numpy()
        undiversified = ndcg if weight == 0 else undiversified
        lists = (
            found.filter(pl.col("rank").max().over("user_id") == LIST_LENGTH)["movie_id"]
            .to_numpy()
            .reshape(-1, LIST_LENGTH)
        )
        apart = intra_list_distance(features.get_genre_vectors(lists))
        measured = {"ndcg": ndcg, "ndcg_difference": ndcg - undiversified, "genre_distance": apart}
        rows += [(weight, f"{name}_at_{LIST_LENGTH}", *bootstrap_mean(values)) for name, values in measured.items()]
        coverage = metrics.coverage(found, len(movies), LIST_LENGTH)
        rows.append((weight, f"coverage_at_{LIST_LENGTH}", coverage, None, None, len(users)))
    table = pl.DataFrame(rows, schema=["weight", "metric", "value", "low", "high", "n"], orient="row")
    context.add_output_metadata({"table": render_markdown_table(table)})
    return table
