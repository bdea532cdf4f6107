"""Blocking asset checks: schemas, references between tables, order of the split, leakage, minimum quality."""

import warnings
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from assets.backtest import RETRIEVAL_TYPE, find_window
from assets.candidates import MODEL_TYPES, SERVED_MODELS, get_asset_name
from assets.features import FEATURE_TABLES
from assets.partitions import backtest_partitions, sample_partitions
from assets.ranking import RANKER_TYPES, get_label_rows_name, get_ranker_name
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.interactions import Interactions
from movierec.data.schema import LINKS, MOVIES, RATINGS, TAGS, WINDOW_COLUMNS, Schema
from movierec.data.splitting import CUTS, PARTS, SPLIT_DESCRIPTION
from movierec.evaluation import leakage
from movierec.evaluation.evaluation import FLOORS, list_failed_floors
from movierec.recommender.retrieval import RECOMMENDER_CHANNELS

# Checks of partitioned assets are a preview in Dagster, and without their partitions they would load every sample.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
blocking_check = partial(dg.asset_check, blocking=True, partitions_def=sample_partitions)

SCHEMAS: dict[str, Schema] = {
    "ratings": RATINGS,
    "movies": MOVIES,
    "tags": TAGS,
    "links": LINKS,
    "split": {**RATINGS, "part": PARTS},
}
LABEL_CHECK_DESCRIPTION = (
    f"No feature alone tells what was liked, by an AUC beyond {leakage.LEAK_AUC}: it knew the future."
)
NULLABLE_COLUMNS = ("year", "imdb_id", "tmdb_id")


def list_schema_faults(rows: pl.LazyFrame, schema: Schema) -> list[str]:
    """Says how a stored table differs from its schema (columns, nulls, rating range); empty if it does not."""
    found = dict(rows.collect_schema())
    if found != dict(schema):
        return [f"columns are {found}, wanted {dict(schema)}"]
    counted = {name: pl.col(name).null_count() for name in schema if name not in NULLABLE_COLUMNS}
    missing = rows.select(**counted).collect().row(0, named=True)
    faults = [f"{count} rows without {name}" for name, count in missing.items() if count]
    if "rating" in schema:
        outside = rows.select((~pl.col("rating").is_between(0.5, 5)).sum()).collect().item()
        faults += [f"{outside} ratings outside 0.5 to 5"] if outside else []
    return faults


def _build_schema_check(table: str) -> dg.AssetChecksDefinition:
    @blocking_check(
        name="schema",
        asset=table,
        description=f"Has just these columns in their types: {', '.join(SCHEMAS[table])}; "
        f"only {', '.join(NULLABLE_COLUMNS)} may be missing, ratings lie between 0.5 and 5.",
    )
    def check(rows: pl.LazyFrame) -> dg.AssetCheckResult:
        faults = list_schema_faults(rows, SCHEMAS[table])
        return dg.AssetCheckResult(passed=not faults, description="; ".join(faults) or None)

    return check


def _build_reference_check(table: str) -> dg.AssetChecksDefinition:
    @blocking_check(
        name="known_movies",
        asset=table,
        description="Every movie_id stands in movies.",
        additional_ins={"movies": dg.AssetIn("movies")},
    )
    def check(rows: pl.LazyFrame, movies: pl.LazyFrame) -> dg.AssetCheckResult:
        orphans = rows.join(movies, on="movie_id", how="anti").select(pl.len()).collect().item()
        return dg.AssetCheckResult(passed=orphans == 0, metadata={"rows_of_unknown_movies": orphans})

    return check


@blocking_check(
    asset="split",
    description="Nothing of a later part was rated before the end of an earlier one, no pair stands twice: "
    f"{SPLIT_DESCRIPTION}.",
)
def in_order(split: pl.LazyFrame) -> dg.AssetCheckResult:
    disorder = leakage.count_parts_out_of_order(split)
    pairs = split.select(pl.len() - pl.struct("user_id", "movie_id").n_unique()).collect().item()
    return dg.AssetCheckResult(
        passed=disorder == 0 and pairs == 0, metadata={"parts_out_of_order": disorder, "pairs_twice": pairs}
    )


@blocking_check(
    asset="backtest_comparison",
    additional_ins={"sitting_comparison": dg.AssetIn("sitting_comparison")},
    description="No model is surely worse than its floor, in the back-test or, without windows, on the holdout: "
    + ", ".join(f"{m} against {base}" for m, base in FLOORS),
)
def above_floors(backtest_comparison: pl.DataFrame, sitting_comparison: pl.DataFrame) -> dg.AssetCheckResult:
    failed = list_failed_floors(backtest_comparison, sitting_comparison)
    told = "; ".join(failed)
    return dg.AssetCheckResult(passed=not failed, description=told or None, metadata={"failed": told or "none"})


def _build_label_check(recommender: str) -> dg.AssetChecksDefinition:
    @blocking_check(
        name="no_feature_knows_the_label",
        asset=get_label_rows_name(recommender),
        description=LABEL_CHECK_DESCRIPTION,
    )
    def check(rows: pl.DataFrame) -> dg.AssetCheckResult:
        return _judge_features(rows)

    return check


def _build_interactions_check(cut: str) -> dg.AssetChecksDefinition:
    @blocking_check(
        name="fitted_before_its_cut",
        asset=f"interactions_{cut}",
        description=f"The models of this cut are fitted on no rating but {' and '.join(CUTS[cut])}, as far as "
        f"{leakage.MAX_USERS_CHECKED:,} users tell.",
        additional_ins={"split": dg.AssetIn("split")},
    )
    def check(interactions: Interactions, split: pl.LazyFrame) -> dg.AssetCheckResult:
        early = leakage.count_future_ratings(interactions, split, cut)
        return dg.AssetCheckResult(passed=early == 0, metadata={"ratings_known_too_early": early})

    return check


def _build_cut_check(table: str) -> dg.AssetChecksDefinition:
    of = table.removesuffix("_features")

    @blocking_check(
        name="knows_its_cut_and_no_more",
        asset=table,
        description=f"Each row counts just the ratings of its {of} that are known at the row's cut.",
        additional_ins={"split": dg.AssetIn("split")},
    )
    def check(features: pl.LazyFrame, split: pl.LazyFrame) -> dg.AssetCheckResult:
        wrong = leakage.count_mismatched_rows(features, split, entity=of)
        return dg.AssetCheckResult(passed=wrong == 0, metadata={"rows_of_other_ratings": wrong})

    return check


_MAY_BE_MISSING = {
    get_asset_name(name, "known"): kind for name, kind in MODEL_TYPES.items() if name not in SERVED_MODELS
} | {get_ranker_name(name): kind for name, kind in RANKER_TYPES.items() if name not in SERVED_MODELS}


def _build_fitted_check(asset: str, kind: dg.DagsterType) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="fitted",
        asset=asset,
        description="The model could be fitted. If not, it is left out of the evaluation and everything else runs.",
        partitions_def=sample_partitions,
    )
    def check(model: kind) -> dg.AssetCheckResult:  # type: ignore[valid-type]
        found: Any = model
        reason = found.reason if isinstance(found, UnfittedModel) else None
        return dg.AssetCheckResult(passed=reason is None, severity=dg.AssetCheckSeverity.WARN, description=reason)

    return check


@dg.asset_check(
    asset="window_retrieval",
    additional_ins={"windows": dg.AssetIn("windows")},
    blocking=True,
    partitions_def=backtest_partitions,
    description="The channels of a window know no rating of its cut or later.",
)
def known_before_its_cut(
    context: dg.AssetCheckExecutionContext,
    window_retrieval: RETRIEVAL_TYPE,  # type: ignore[valid-type]
    windows: pl.DataFrame,
) -> dg.AssetCheckResult:
    """Compares days: windows are cut at midnight."""
    window, _ = find_window(context.partition_key, windows)
    n_later = leakage.count_ratings_from(window_retrieval.interactions, window.cut)  # type: ignore[attr-defined]
    return dg.AssetCheckResult(passed=n_later == 0, metadata={"ratings_known_too_early": n_later})


@dg.asset_check(
    asset="window_label_rows",
    blocking=True,
    partitions_def=backtest_partitions,
    description=LABEL_CHECK_DESCRIPTION,
)
def no_feature_knows_the_label(window_label_rows: pl.DataFrame) -> dg.AssetCheckResult:
    """The same as of the label rows of each user's own past."""
    return _judge_features(window_label_rows.drop("segment", *WINDOW_COLUMNS, strict=False))


def _judge_features(rows: pl.DataFrame) -> dg.AssetCheckResult:
    telling = leakage.leaking_features(rows) if "relevant" in rows.columns else {}
    told = ", ".join(f"{name} (AUC {auc:.3f})" for name, auc in telling.items())
    return dg.AssetCheckResult(passed=not telling, description=told or None, metadata={"telling": told or "none"})


checks = [
    in_order,
    above_floors,
    known_before_its_cut,
    no_feature_knows_the_label,
    *(_build_schema_check(table) for table in SCHEMAS),
    *(_build_reference_check(table) for table in ("ratings", "tags", "links")),
    *(_build_label_check(recommender) for recommender in RECOMMENDER_CHANNELS),
    *(_build_cut_check(table) for table in FEATURE_TABLES),
    *(_build_interactions_check(cut) for cut in CUTS if cut != "all"),
    *(_build_fitted_check(asset, kind) for asset, kind in _MAY_BE_MISSING.items()),
]
