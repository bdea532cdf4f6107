"""Samples as partitions: every asset of the graph has them."""

import dagster as dg

from movierec.sampling import SAMPLES

samples = dg.StaticPartitionsDefinition(list(SAMPLES))
