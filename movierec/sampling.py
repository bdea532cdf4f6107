"""Samples of the data: whole users, nested (1pct is inside 10pct is inside full)."""

import polars as pl

SAMPLES = {"1pct": 0.01, "10pct": 0.10, "full": 1.0}

# Knuth's multiplicative hash. Fixed here, since a library's hash may change between its versions.
_MULTIPLIER, _MODULUS = 2_654_435_761, 2**32


def bucket(user_id: pl.Expr) -> pl.Expr:
    """A place in [0, 1) for each user id, spread evenly and the same forever."""
    return (user_id.cast(pl.UInt64) * _MULTIPLIER % _MODULUS).cast(pl.Float64) / _MODULUS


def in_sample(sample: str) -> pl.Expr:
    """Whether a row's `user_id` belongs to the named sample. Raises KeyError with the known names."""
    if sample not in SAMPLES:
        raise KeyError(f"unknown sample {sample!r}; there are {', '.join(SAMPLES)}")
    return bucket(pl.col("user_id")) < SAMPLES[sample]
