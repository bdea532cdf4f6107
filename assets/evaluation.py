"""Evaluation: the top of every model for every holdout user, its metrics, and what each stage adds."""

from typing import Any

import dagster as dg
import polars as pl

from assets.candidates import asset_name, channel_inputs
from assets.features import features_at
from assets.partitions import samples
from assets.ranking import RANKER_TYPE, ranker_name
from movierec import evaluation as evaluating
from movierec.candidates import CANDIDATE_MODELS
from movierec.candidates.base import candidates
from movierec.metrics import KS
from movierec.ranking import Ranker
from movierec.recommender import Popular, Recommender
from movierec.retrieval import RECOMMENDERS, Retrieval
from movierec.splits import part_of
from resources import figures
from resources.io import markdown
from resources.tracking import Tracking

OWNERS = ["team:ml"]
PARQUET = {"polars", "parquet"}

MEASURED_ASSETS = {name: asset_name(name, "known") for name in CANDIDATE_MODELS} | {
    recommender: ranker_name(recommender) for recommender in RECOMMENDERS
}


MODELS = ["random", *CANDIDATE_MODELS, "blend", *RECOMMENDERS]


class EvaluationConfig(dg.Config):
    """How many holdout users are drawn at the most; the draw is by id and the same every time."""

    max_users: int = 3_000


@dg.asset(partitions_def=samples, group_name="evaluation", kinds=PARQUET, owners=OWNERS)
def relevant(config: EvaluationConfig, split: pl.LazyFrame) -> pl.DataFrame:
    """The pairs that should be found: movies that a user liked in the holdout."""
    return evaluating.relevant_pairs(part_of(split, "holdout"), max_users=config.max_users)


@dg.asset(
    ins=channel_inputs(CANDIDATE_MODELS, "known")
    | {name: dg.AssetIn(name, dagster_type=RANKER_TYPE) for name in map(ranker_name, RECOMMENDERS)},
    partitions_def=samples,
    group_name="evaluation",
    kinds=PARQUET,
    owners=OWNERS,
)
def rankings(
    relevant: pl.DataFrame, user_features: pl.LazyFrame, movie_features: pl.LazyFrame, **fitted: Any
) -> pl.DataFrame:
    """`model, user_id, movie_id, score, rank`: what each model recommends from history and labels alone."""
    user_ids, n = relevant["user_id"].unique().sort().to_numpy(), max(KS)
    features = features_at("known", user_features, movie_features)
    popular = Popular.of(fitted["popularity"].stats())

    def recommended(channels: tuple[str, ...], ranker: Ranker | None) -> pl.DataFrame:
        retrieval = Retrieval({name: fitted[name] for name in channels})
        return Recommender(retrieval, features, ranker, popular).recommend(user_ids, n=n)

    tables = {"random": evaluating.random_ranking(fitted["ials"].interactions, user_ids, n=n)}
    tables |= {name: candidates(fitted[name], user_ids, n) for name in CANDIDATE_MODELS}
    tables |= {"blend": recommended(RECOMMENDERS["two_stage"], None)}
    tables |= {name: recommended(channels, fitted[ranker_name(name)]) for name, channels in RECOMMENDERS.items()}
    return pl.concat([table.with_columns(model=pl.lit(model)) for model, table in tables.items()])


@dg.asset(partitions_def=samples, group_name="evaluation", kinds=PARQUET, owners=OWNERS)
def evaluation(
    context: dg.AssetExecutionContext,
    rankings: pl.DataFrame,
    relevant: pl.DataFrame,
    movies: pl.DataFrame,
    tracking: Tracking,
) -> pl.DataFrame:
    """Every metric of every model on the holdout, with its 95 % interval over users."""
    table = evaluating.evaluate(evaluating.by_model(rankings, MODELS), relevant, n_movies=len(movies))
    for model, asset in MEASURED_ASSETS.items():
        metrics = table.filter(pl.col("model") == model).select("metric", "value").iter_rows()
        tracking.record_metrics(asset, context.partition_key, {f"test_{name}": value for name, value in metrics})
    headline = table.filter(pl.col("metric") == "ndcg_at_10")
    context.add_output_metadata(
        {
            "ndcg_at_10": dg.MetadataValue.md(markdown(headline.drop("metric"))),
            "plot": figures.intervals(headline, title="nDCG@10 on the holdout, 95 % interval"),
        }
    )
    return table


@dg.asset(partitions_def=samples, group_name="evaluation", kinds=PARQUET, owners=OWNERS)
def comparison(context: dg.AssetExecutionContext, rankings: pl.DataFrame, relevant: pl.DataFrame) -> pl.DataFrame:
    """Paired nDCG@10 differences on the same users: each model against its floor, the ranker against its candidates."""
    pairs = [*evaluating.FLOORS, *evaluating.STAGES]
    table = evaluating.differences(evaluating.by_model(rankings, MODELS), relevant, pairs)
    context.add_output_metadata({"differences": dg.MetadataValue.md(markdown(table))})
    return table
