"""Exports that are made on demand: no run of everything writes them."""

import os

import dagster as dg
import polars as pl

from assets.partitions import samples
from resources.relational import RelationalHome, relations


@dg.asset(partitions_def=samples, group_name="exports", kinds={"sql"}, owners=["team:data"])
def relational_export(
    context: dg.AssetExecutionContext, catalogue: pl.LazyFrame, ratings: pl.LazyFrame, relational: RelationalHome
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Movies, genres, users and ratings in SQLite or PostgreSQL (MOVIEREC_EXPORT_DATABASE_URL), replaced whole."""
    tables = relations(catalogue, ratings)
    where = relational.write(context.partition_key, tables, os.environ)
    counts = {name: table.select(pl.len()).collect().item() for name, table in tables.items()}
    return dg.MaterializeResult(metadata={"database": where, **counts})
