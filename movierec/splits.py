"""History, labels, holdout: what candidates learn from, what the ranker learns from, what both are measured on."""

import polars as pl

PARTS = pl.Enum(["history", "labels", "holdout"])


BY_USER = "each user's last 20 % by time is the holdout, the 16 % before it the labels"
BY_TIME = "the last 20 % of all ratings by time are the holdout, the 16 % before them the labels"

SPLITS = {"per_user": BY_USER, "global_time": BY_TIME}


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


def split_by_time(ratings: pl.LazyFrame, *, labels: float = 0.16, holdout: float = 0.20) -> pl.LazyFrame:
    """`ratings` with a column `part`, cut at two moments that are the same for everybody.

    Shares are of all ratings; ratings of one moment stay together, in the later part. Sorted as `split_by_user`.
    """
    time = pl.col("rated_at")
    first_label, first_holdout = (
        time.sort().get((pl.len() * (1 - share)).floor().cast(pl.UInt32).clip(upper_bound=pl.len() - 1))
        for share in (labels + holdout, holdout)
    )
    part = (
        pl.when(time >= first_holdout)
        .then(pl.lit("holdout"))
        .when(time >= first_label)
        .then(pl.lit("labels"))
        .otherwise(pl.lit("history"))
    )
    return ratings.sort("user_id", "rated_at", "movie_id").with_columns(part=part.cast(PARTS))


def before(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    """The ratings in earlier parts than `part`."""
    return split.filter(pl.col("part") < pl.lit(part, PARTS)).drop("part")


def newcomers(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    """The ratings in `part` of users without an earlier one, with `given`: whether it is of their first half.

    The first half, rounded down, is what they are folded in by; the rest is what they then did.
    """
    number, total = pl.int_range(pl.len()).over("user_id"), pl.len().over("user_id")
    return (
        part_of(split, part)
        .join(before(split, part), on="user_id", how="anti")
        .sort("user_id", "rated_at", "movie_id")
        .with_columns(given=number < total // 2)
    )


# What a model may know at each cut. "all" is what is published; nothing is measured with it.
CUTS = {"history": ["history"], "known": ["history", "labels"], "all": ["history", "labels", "holdout"]}


def known_at(split: pl.LazyFrame, cut: str) -> pl.LazyFrame:
    """The ratings of a split table that a model of the given cut may see."""
    return split.filter(pl.col("part").is_in(CUTS[cut])).drop("part")


def tags_known_at(tags: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """The tags that each user of `known` had written by the time of their last rating there."""
    last = known.group_by("user_id").agg(last_rated=pl.col("rated_at").max())
    return tags.join(last, on="user_id").filter(pl.col("tagged_at") <= pl.col("last_rated")).drop("last_rated")


def part_of(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    return split.filter(pl.col("part") == part).drop("part")
