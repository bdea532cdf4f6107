"""What assets share: samples as their partitions, and the kinds of those that are tables."""

import dagster as dg

from movierec.sampling import SAMPLES

PARQUET = frozenset({"polars", "parquet"})
samples = dg.StaticPartitionsDefinition(list(SAMPLES))
