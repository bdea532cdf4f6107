"""Exports that run only on demand; they are not part of the job `everything`."""

from pathlib import Path

import dagster as dg
import polars as pl

from assets.partitions import sample_partitions
from movierec.bundles.bundle import BUNDLE_FORMAT, current_version
from movierec.bundles.versioned_folders import read_verified_manifest
from resources.bundle_stores import BundleStore
from resources.exports.relational import RelationalStore, build_relations
from resources.sources.dataset import Dataset


@dg.asset(
    deps=["published"], partitions_def=sample_partitions, group_name="exports", kinds={"sql"}, owners=["team:data"]
)
def relational_export(
    context: dg.AssetExecutionContext,
    dataset: Dataset,
    ratings: pl.LazyFrame,
    bundles: BundleStore,
    relational: RelationalStore,
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Writes the published catalogue, genres, users and ratings to SQLite or PostgreSQL and replaces earlier tables.

    The target is MOVIEREC_EXPORT_DATABASE_URL, by default a SQLite file under exports. Fails if the bundle was made
    from another version of the data than the stored ratings.
    """
    folder = current_version(Path(bundles.root, context.partition_key))
    advice = f"`make pipeline SAMPLE={context.partition_key}`"
    if folder is None:
        raise dg.Failure(f"nothing is published: run {advice} first")
    of = read_verified_manifest(folder, expected_format=BUNDLE_FORMAT)["source"]["version"]
    if of != dataset.version:
        raise dg.Failure(
            f"bundle {folder.name} was published of version {of} of the data, the ratings in the store are of "
            f"{dataset.version}, and nothing was written: {advice} makes both of the same"
        )
    tables = build_relations(pl.scan_parquet(folder / "catalogue.parquet"), ratings)
    where = relational.write_relations(context.partition_key, tables)
    counts = {name: table.select(pl.len()).collect().item() for name, table in tables.items()}
    return dg.MaterializeResult(metadata={"database": where, "bundle": folder.name, **counts})
