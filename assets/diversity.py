"""Diversity: what a less uniform list costs and gains, by weights of maximal marginal relevance."""

from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.features import features_at
from assets.protocols import PARQUET, PER_USER, channel_inputs, interactions_input, samples
from assets.ranking import RANKER_TYPE
from movierec.data.interactions import Interactions
from movierec.data.top_k import as_table, blocks
from movierec.evaluation import metrics
from movierec.evaluation.bootstrap import bootstrap
from movierec.evaluation.holdout import KNOWN
from movierec.recommender.diversification import DEPTH, diversify, intra_list_distance
from movierec.recommender.popular import Popular
from movierec.recommender.ranker import Ranker, order_candidates
from movierec.recommender.retrieval import RECOMMENDERS, Retrieval
from movierec.recommender.two_stage import Recommender
from resources.io_managers import markdown

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7)
K = 10


@dg.asset(
    ins=interactions_input(PER_USER, "known")
    | channel_inputs(PER_USER, RECOMMENDERS["two_stage"], "known")
    | {"ranker": dg.AssetIn(dagster_type=RANKER_TYPE)},
    partitions_def=samples,
    group_name="evaluation",
    kinds=PARQUET,
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
    """For each weight nDCG@10 and its paired difference to no diversity, coverage, and how far apart in genres
    the movies of a list are. The site serves the weight that `Recommender` has by default."""
    wanted = relevant.filter(segment=KNOWN)
    users = wanted["user_id"].unique().sort().to_numpy()
    features = features_at("known", user_features, movie_features)
    nobody = Popular(np.empty(0, np.int32), np.empty(0, np.float32))
    retrieval = Retrieval({name: models[name] for name in RECOMMENDERS["two_stage"]}, interactions)
    plain = Recommender(retrieval, features, ranker, nobody, diversity=0.0)
    user_rows = interactions.rows_of(users)
    in_blocks = [
        order_candidates(ranker, plain.find_candidates(block, n=DEPTH), n=DEPTH)
        for block in blocks(user_rows, retrieval.width)
    ]
    ranked = [np.concatenate(parts) for parts in zip(*in_blocks, strict=True)]
    rows: list[tuple[float, str, float, float | None, float | None, int]] = []
    undiversified = np.zeros(0)
    for weight in WEIGHTS:
        chosen = diversify(features, interactions.movie_ids, *ranked, weight=weight, n=K)
        found = as_table(users, interactions.movie_ids, *chosen)
        ndcg = metrics.per_user(found, wanted, ks=[K])[f"ndcg_at_{K}"].to_numpy()
        undiversified = ndcg if weight == 0 else undiversified
        lists = found.filter(pl.col("rank").max().over("user_id") == K)["movie_id"].to_numpy().reshape(-1, K)
        apart = intra_list_distance(features.genre_vectors(lists))
        measured = {"ndcg": ndcg, "ndcg_difference": ndcg - undiversified, "genre_distance": apart}
        rows += [(weight, f"{name}_at_{K}", *bootstrap(values)) for name, values in measured.items()]
        coverage = metrics.coverage(found, len(movies), K)
        rows.append((weight, f"coverage_at_{K}", coverage, None, None, len(users)))
    table = pl.DataFrame(rows, schema=["weight", "metric", "value", "low", "high", "n"], orient="row")
    context.add_output_metadata({"table": markdown(table)})
    return table
