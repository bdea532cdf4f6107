"""History, labels, holdout: what candidates learn from, what the ranker learns from, what both are measured on."""

import polars as pl

PARTS = pl.Enum(["history", "labels", "holdout"])


BY_USER = "each user's last 20 % by time is the holdout, the 16 % before it the labels"


def split_by_user(
    ratings: pl.LazyFrame, *, labels: float = 0.16, holdout: float = 0.20, min_ratings: int = 5
) -> pl.LazyFrame:
    """`ratings` with a column `part`: each user's last share by time is holdout, the share before it labels.

    Shares are of the user's ratings, rounded down; a user with fewer than `min_ratings` is history alone.
    Ratings of the same second are ordered by movie_id. The result is sorted by user_id, rated_at, movie_id.
    """
    number = pl.int_range(pl.len(), dtype=pl.Int32).over("user_id")
    total = pl.len().over("user_id")
    n_holdout = (total * holdout).floor()
    n_labels = (total * labels).floor()
    part = (
        pl.when(total < min_ratings)
        .then(pl.lit("history"))
        .when(number >= total - n_holdout)
        .then(pl.lit("holdout"))
        .when(number >= total - n_holdout - n_labels)
        .then(pl.lit("labels"))
        .otherwise(pl.lit("history"))
    )
    return ratings.sort("user_id", "rated_at", "movie_id").with_columns(part=part.cast(PARTS))


# What a model may know at each cut. "all" is what is published; nothing is measured with it.
CUTS = {"history": ["history"], "known": ["history", "labels"], "all": ["history", "labels", "holdout"]}


def known_at(split: pl.LazyFrame, cut: str) -> pl.LazyFrame:
    """The ratings of a split table that a model of the given cut may see."""
    return split.filter(pl.col("part").is_in(CUTS[cut])).drop("part")


def part_of(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    return split.filter(pl.col("part") == part).drop("part")
