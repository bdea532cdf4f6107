"""Partitions of the graph: samples of the ratings, and windows of time."""

import warnings

import dagster as dg

from movierec.data.sampling import SAMPLES

PARQUET_KINDS = frozenset({"polars", "parquet"})
sample_partitions = dg.StaticPartitionsDefinition(list(SAMPLES))
window_partitions = dg.DynamicPartitionsDefinition(name="window")
backtest_partitions = dg.MultiPartitionsDefinition({"sample": sample_partitions, "window": window_partitions})

with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.BetaWarning)  # of mappings of two dimensions
    EVERY_WINDOW = dg.MultiPartitionMapping(
        {
            "sample": dg.DimensionPartitionMapping("sample", dg.IdentityPartitionMapping()),
            "window": dg.DimensionPartitionMapping("window", dg.AllPartitionMapping()),
        }
    )
