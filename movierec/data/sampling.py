"""Samples of the data: fixed shares of whole users. Samples are nested: 1pct is part of 10pct, 10pct of full."""

import numpy as np
import numpy.typing as npt
import polars as pl

SAMPLES = {"1pct": 0.01, "10pct": 0.10, "full": 1.0}
MAX_USERS_PER_SEGMENT = 3_000  # users scored per segment; of more a fixed draw

_WORD_RANGE = 2**32


def hash_to_fraction(user_id: pl.Expr, *, draw: int = 0) -> pl.Expr:
    """A pseudo-random number in [0, 1) for each id, always the same for an id and a `draw`.

    Different draws are independent: who is in the sample does not tell who is held out for early stopping. The hash is
    the finaliser of MurmurHash3 (Appleby 2011), written out because a library may change its hash between versions.
    """
    word = user_id.cast(pl.UInt64) ^ pl.lit(draw * 0x9E3779B9 % _WORD_RANGE, pl.UInt64)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        word = (word ^ word // 2**shift) * factor % _WORD_RANGE
    return (word ^ word // 2**16).cast(pl.Float64) / _WORD_RANGE


def hash_ids_to_fractions(user_ids: npt.ArrayLike, *, draw: int) -> npt.NDArray[np.float64]:
    """`hash_to_fraction` of an array of ids: float64, one number per id."""
    return (
        pl.Series("user_id", np.asarray(user_ids))
        .to_frame()
        .select(hash_to_fraction(pl.col("user_id"), draw=draw))
        .to_series()
        .to_numpy()
    )


def is_in_sample(sample: str) -> pl.Expr:
    """Whether a row's `user_id` belongs to the named sample.

    Raises KeyError that lists the samples for an unknown name.
    """
    if sample not in SAMPLES:
        raise KeyError(f"unknown sample {sample!r}; there are {', '.join(SAMPLES)}")
    return hash_to_fraction(pl.col("user_id")) < SAMPLES[sample]


LABELS_DRAW, VALIDATION_DRAW = 1, 2
