"""Published: the bundle that the site serves, and the file of recommendations."""

from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets.backtest import CHANNELS
from assets.candidates import PUBLISHED_MODELS, build_model_inputs, get_asset_name
from assets.evaluation import ASSET_BY_MODEL
from assets.features import interactions_input, select_features_at_cut
from assets.partitions import PARQUET_KINDS, sample_partitions
from assets.ranking import RANKER_TYPES
from movierec.bundles.bundle import current_version, publish_bundle
from movierec.candidates import CandidateModel
from movierec.catalog.similar_movies import SimilarityIndex
from movierec.data.interactions import Interactions
from movierec.data.schema import WINDOW_COLUMNS
from movierec.data.splitting import SPLIT_DESCRIPTION
from movierec.data.windows import RATER_SEGMENTS
from movierec.evaluation import metrics, promotion
from movierec.evaluation.backtest import METRIC
from movierec.evaluation.champion import get_coverage, load_champion, measure_answer_seconds
from movierec.evaluation.evaluation import list_failed_floors
from movierec.recommender.popular import PopularMovies
from movierec.recommender.ranker import Ranker
from movierec.recommender.retrieval import Retrieval
from movierec.recommender.two_stage import Recommender
from resources.bundle_stores import BundleStore, build_origin, build_version_name
from resources.exports import recommendations as exported
from resources.io_managers import get_folder_size, render_markdown_table
from resources.mlflow_tracking import MlflowTracking
from resources.provenance import find_mixed_inputs
from resources.sources.dataset import Dataset

OWNERS = ["team:web"]
N_TRENDING = 100
BACKTEST = "windows of time that are the same for everybody"
NOTHING_TYPE: Any = dg.Nothing  # no output is stored; Dagster's own annotation does not admit its own constant


class RecommendationsConfig(dg.Config):
    """Recommended movies per user."""

    n: int = 10


@dg.asset(
    ins=interactions_input("all")
    | build_model_inputs((*CHANNELS, "trending"), "all")
    | {"served_ranker": dg.AssetIn(dagster_type=RANKER_TYPES["two_stage"])},
    check_specs=[
        dg.AssetCheckSpec(
            "beats_champion",
            asset="published",
            description="The interval of the nDCG@10 difference to the published bundle excludes a loss of "
            f"{promotion.MAX_NDCG_LOSS}, on the same users; coverage is at least half of its.",
        )
    ],
    output_required=False,
    dagster_type=NOTHING_TYPE,
    partitions_def=sample_partitions,
    group_name="published",
    kinds={"python"},
    owners=OWNERS,
)
def published(
    context: dg.AssetExecutionContext,
    dataset: Dataset,
    catalogue: pl.DataFrame,
    similar_movies: pl.DataFrame,
    interactions: Interactions,
    served_ranker: Ranker,
    user_features: pl.LazyFrame,
    movie_features: pl.LazyFrame,
    sitting_evaluation: pl.DataFrame,
    sitting_comparison: pl.DataFrame,
    backtest_comparison: pl.DataFrame,
    served_stage: pl.DataFrame,
    bundles: BundleStore,
    tracking: MlflowTracking,
    **models: CandidateModel,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:  # type: ignore[type-arg]
    """Publishes a new bundle for the site, if it passes three tests; stores no table.

    No model is below its floor, all inputs were made from the same data and models, and the new bundle is not worse
    than the published one (check `beats_champion`). The first two fail the run, the third only leaves the old bundle.
    """
    require_sound_inputs(context, list_failed_floors(backtest_comparison, sitting_comparison))
    name, reason, split = served_stage.select("model", "reason", "split").row(0)
    stage, scores = promotion.ServedStage(name, reason), served_stage.drop("model", "reason", "split")
    recommender = Recommender(
        Retrieval({each: models[each] for each in CHANNELS if name not in CHANNELS or each == name}, interactions),
        select_features_at_cut("all", user_features, movie_features),
        served_ranker if name == "two_stage" else None,
        PopularMovies.from_stats(catalogue),
    )
    home, version = Path(bundles.root, context.partition_key), build_version_name(context.run_id)
    verdict = promotion.judge_challenger(
        scores,
        **load_champion(home, data_version=dataset.version, split=split),
        coverage=get_coverage(sitting_evaluation.to_dicts(), name),
        seconds=measure_answer_seconds(recommender),
    )
    runs = record_challenger(tracking, context.partition_key, version, measured=set(sitting_evaluation["model"]))
    yield build_check_result(verdict)
    if not verdict.is_promoted:
        context.log.warning(f"not published, what was published before stays: {verdict.reason}")
        return
    measured = {"metrics": sitting_evaluation.to_dicts(), "comparison": sitting_comparison.to_dicts()}
    made_by = {"mlflow_runs": runs, "code_version": bundles.compute_code_version()}
    features = {"tmdb_features": recommender.features.tmdb_feature_names}
    choice = {"serves": name, "serves_because": reason, "verdict": verdict.reason, "split": split}
    folder = publish_bundle(
        home,
        version,
        catalogue=catalogue,
        recommender=recommender,
        similar=SimilarityIndex.from_table(similar_movies),
        scores=scores,
        trending=models["trending"].list_top_movies(N_TRENDING),  # type: ignore[attr-defined]
        manifest=build_origin(context, dataset) | choice | made_by | features | measured,
        kept=bundles.keep,
    )
    tracking.set_champion(context.partition_key, version)
    yield dg.MaterializeResult(metadata=describe_bundle(folder, stage, sitting_evaluation))


@dg.asset(partitions_def=sample_partitions, group_name="published", kinds=PARQUET_KINDS, owners=OWNERS)
def served_stage(
    sitting_comparison: pl.DataFrame,
    sitting_rankings: pl.DataFrame,
    sitting_relevant: pl.DataFrame,
    windows: pl.DataFrame,
    backtest_evaluation: pl.DataFrame,
    backtest_scores: pl.DataFrame,
) -> pl.DataFrame:
    """What is to be served: the best of two_stage, blend and the single channels in the back-test, with its scores.

    `model, reason, split, user_id, ndcg_at_10`, and `window, fingerprint` if there are windows. Ratings without windows
    are judged by the holdout of each user."""
    if backtest_scores.is_empty():
        split, stage = SPLIT_DESCRIPTION, promotion.choose_served_stage(sitting_comparison)
        scores = metrics.compute_user_metrics(sitting_rankings.filter(model=stage.name), sitting_relevant).select(
            "user_id", METRIC
        )
    else:
        split, stage = BACKTEST, promotion.choose_served_model(backtest_evaluation, ["two_stage", "blend", *CHANNELS])
        scores = select_rater_scores(backtest_scores, windows, stage.name)
    told = {"model": stage.name, "reason": stage.reason, "split": split}
    return scores.select(*(pl.lit(value).alias(name) for name, value in told.items()), pl.all())


def select_rater_scores(scores: pl.DataFrame, windows: pl.DataFrame, model: str) -> pl.DataFrame:
    """`window, fingerprint, user_id, ndcg_at_10`: the scores of one model for returning users and newcomers."""
    raters = scores.filter(pl.col("model") == model, pl.col("segment").is_in(RATER_SEGMENTS))
    marked = raters.join(windows.select(*WINDOW_COLUMNS), on="window")
    return marked.select(*WINDOW_COLUMNS, "user_id", METRIC)


def require_sound_inputs(context: dg.AssetExecutionContext, failed_floors: Sequence[str]) -> None:
    """Raises dg.Failure where a model is below its floor, or what is published was not made from one state."""
    mixed = find_mixed_inputs(context.instance, context.assets_def, context.asset_key, context.partition_key)
    faults = failed_floors or mixed
    if faults:
        raise dg.Failure(f"not published, what was published before stays: {'; '.join(faults)}")


def build_check_result(verdict: promotion.Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="beats_champion",
        passed=verdict.is_promoted,
        severity=dg.AssetCheckSeverity.WARN,
        description=verdict.reason,
        metadata=verdict.difference._asdict() if verdict.difference else {},
    )


def describe_bundle(folder: Path, stage: promotion.ServedStage, evaluation: pl.DataFrame) -> dict[str, Any]:
    """What the asset's page shows of a published bundle."""
    headline = evaluation.filter(pl.col("metric") == "ndcg_at_10").drop("metric", "segment")
    return {
        "bundle": dg.MetadataValue.path(folder),
        "bytes": get_folder_size(folder),
        "serves": f"{stage.name}: {stage.reason}",
        "ndcg_at_10": render_markdown_table(headline),
    }


@dg.asset(
    deps=["published"],
    output_required=False,
    dagster_type=NOTHING_TYPE,
    partitions_def=sample_partitions,
    group_name="published",
    kinds=PARQUET_KINDS,
    owners=OWNERS,
)
def recommendations(
    context: dg.AssetExecutionContext, config: RecommendationsConfig, bundles: BundleStore
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Top movies of every user by the published bundle, in `recommendations.parquet` under exports.

    Columns: user_id, movie_id, score, rank, model. `make recommend` writes the same file.
    """
    folder = current_version(Path(bundles.root, context.partition_key))
    if folder is None:
        raise dg.Failure(f"nothing is published: run `make pipeline SAMPLE={context.partition_key}` first")
    recommender = Recommender.load(folder / "recommender")
    out = Path(bundles.exports, context.partition_key, "recommendations.parquet")
    users = pl.Series(recommender.interactions.user_ids, dtype=pl.Int64)
    rows = exported.write_recommendations(recommender, users, n=config.n, out=out)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(out),
            "dagster/row_count": rows,
            "users": len(users),
            "bundle": folder.name,
        }
    )


def record_challenger(
    tracking: MlflowTracking, sample: str, version: str, *, measured: Set[str]
) -> dict[str, str | None]:
    """Names the served ranker's fit the challenger in MLflow; gives the runs of `find_tracked_runs`."""
    runs = find_tracked_runs(tracking, sample, measured=measured)
    if fitted_by := runs["served_ranker"]:
        tracking.set_challenger(sample, fitted_by, version)
    return runs


def find_tracked_runs(tracking: MlflowTracking, sample: str, *, measured: Set[str]) -> dict[str, str | None]:
    """By asset: the MLflow run of the latest fit of each model that is `measured` or published, or None."""
    of_measured = (asset for model, asset in ASSET_BY_MODEL.items() if model in measured)
    fits = {*of_measured, *(get_asset_name(name, "all") for name in PUBLISHED_MODELS), "served_ranker"}
    runs = tracking.get_latest_run_ids(sample)
    return {asset: runs.get(asset) for asset in sorted(fits)}
