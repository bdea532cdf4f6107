"""Asset checks that block: the shape of each table, its references, the order of the split, the floors."""

import warnings

import dagster as dg
import polars as pl

from assets.partitions import samples
from assets.protocols import PROTOCOLS, Protocol
from movierec.evaluation import FLOORS, failed_floors
from movierec.schema import LINKS, MOVIES, RATINGS, TAGS, Schema
from movierec.splits import PARTS

# Checks of partitioned assets are a preview in Dagster, and without their partitions they would load every sample.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

SCHEMAS: dict[str, Schema] = {
    "ratings": RATINGS,
    "movies": MOVIES,
    "tags": TAGS,
    "links": LINKS,
    "split": {**RATINGS, "part": PARTS},
}


MAY_BE_MISSING = ("year", "imdb_id", "tmdb_id")


def faults_of(rows: pl.LazyFrame, schema: Schema) -> list[str]:
    """How a stored table differs from its schema, in words."""
    found = dict(rows.collect_schema())
    if found != dict(schema):
        return [f"columns are {found}, wanted {dict(schema)}"]
    counted = {name: pl.col(name).null_count() for name in schema if name not in MAY_BE_MISSING}
    missing = rows.select(**counted).collect().row(0, named=True)
    faults = [f"{count} rows without {name}" for name, count in missing.items() if count]
    if "rating" in schema:
        outside = rows.select((~pl.col("rating").is_between(0.5, 5)).sum()).collect().item()
        faults += [f"{outside} ratings outside 0.5 to 5"] if outside else []
    return faults


def _schema_check(table: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="schema",
        asset=table,
        blocking=True,
        partitions_def=samples,
        description=f"Has just these columns in their types: {', '.join(SCHEMAS[table])}; "
        f"only {', '.join(MAY_BE_MISSING)} may be missing, ratings lie between 0.5 and 5.",
    )
    def check(rows: pl.LazyFrame) -> dg.AssetCheckResult:
        faults = faults_of(rows, SCHEMAS[table])
        return dg.AssetCheckResult(passed=not faults, description="; ".join(faults) or None)

    return check


def _reference_check(table: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="known_movies",
        asset=table,
        blocking=True,
        partitions_def=samples,
        description="Every movie_id stands in movies.",
        additional_ins={"movies": dg.AssetIn("movies")},
    )
    def check(rows: pl.LazyFrame, movies: pl.LazyFrame) -> dg.AssetCheckResult:
        orphans = rows.join(movies, on="movie_id", how="anti").select(pl.len()).collect().item()
        return dg.AssetCheckResult(passed=orphans == 0, metadata={"rows_of_unknown_movies": orphans})

    return check


def _order_check(protocol: Protocol) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="in_order",
        asset=protocol.key("split"),
        blocking=True,
        partitions_def=samples,
        description="No user's labels come before their history, no holdout before their labels; no pair stands twice.",
    )
    def check(rows: pl.LazyFrame) -> dg.AssetCheckResult:
        disorder = (
            rows.sort("user_id", "rated_at", "movie_id")
            .select(part=pl.col("part").to_physical().cast(pl.Int8), user_id="user_id")
            .select((pl.col("part").diff().over("user_id") < 0).sum())
            .collect()
            .item()
        )
        pairs = rows.select(pl.len() - pl.struct("user_id", "movie_id").n_unique()).collect().item()
        return dg.AssetCheckResult(
            passed=disorder == 0 and pairs == 0, metadata={"ratings_out_of_order": disorder, "pairs_twice": pairs}
        )

    return check


def _floor_check(protocol: Protocol) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="above_floors",
        asset=protocol.key("comparison"),
        blocking=True,
        partitions_def=samples,
        description="No model is surely worse than its floor: "
        + ", ".join(f"{m} against {base}" for m, base in FLOORS),
    )
    def check(table: pl.DataFrame) -> dg.AssetCheckResult:
        failed = failed_floors(table)
        told = "; ".join(failed)
        return dg.AssetCheckResult(passed=not failed, description=told or None, metadata={"failed": told or "none"})

    return check


checks = [
    *(_schema_check(table) for table in SCHEMAS),
    *(_reference_check(table) for table in ("ratings", "tags", "links")),
    *(check(protocol) for check in (_order_check, _floor_check) for protocol in PROTOCOLS),
]
