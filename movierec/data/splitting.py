"""The split of the ratings into history, labels and holdout.

Candidate models learn from the history, the ranker from the labels; both are measured on the holdout.
"""

import polars as pl

from movierec.data.sampling import hash_to_fraction

PARTS = pl.Enum(["history", "labels", "holdout"])


SPLIT_DESCRIPTION = "each user's last 20 % by time is the holdout, the 16 % before it the labels"

MIN_RATINGS_TO_SPLIT = 5  # of a user who has labels and a holdout
SPLIT_DRAW = 4  # none of the draws of users
RATED_AT = pl.col("rated_at")
PAIR_KEY = (pl.col("user_id").cast(pl.UInt64) * 0x9E3779B1 + pl.col("movie_id").cast(pl.UInt64)) % 2**32


def split_by_user(
    ratings: pl.LazyFrame, *, labels: float = 0.16, holdout: float = 0.20, min_ratings: int = MIN_RATINGS_TO_SPLIT
) -> pl.LazyFrame:
    """Adds a column `part`: the last `holdout` share of each user's ratings by time is holdout, the share before it
    labels.

    Shares are of the user's ratings, rounded down. A user with fewer than `min_ratings` ratings has only history.
    Ratings with the same time are ordered by movie_id; for users with fewer than three distinct times by a hash of the
    pair, because otherwise the same movies would stand in everybody's holdout. The result is sorted in this order.
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
    lot = pl.when(RATED_AT.n_unique().over("user_id") < 3).then(hash_to_fraction(PAIR_KEY, draw=SPLIT_DRAW))
    return ratings.sort("user_id", "rated_at", lot, "movie_id").with_columns(part=part.cast(PARTS))


# What a model may know at each cut. "all" is what is published; nothing is measured with it.
CUTS = {"history": ["history"], "known": ["history", "labels"], "all": ["history", "labels", "holdout"]}


def ratings_at_cut(split: pl.LazyFrame, cut: str) -> pl.LazyFrame:
    """The ratings that a model of this cut may be fitted on. Cuts are the keys of CUTS; without the column `part`."""
    return split.filter(pl.col("part").is_in(CUTS[cut])).drop("part")


def tags_at_cut(tags: pl.LazyFrame, ratings: pl.LazyFrame) -> pl.LazyFrame:
    """The tags that each user of `ratings` had written by the time of their last rating there.

    Tags of other users are left out.
    """
    last = ratings.group_by("user_id").agg(last_rated=pl.col("rated_at").max())
    return tags.join(last, on="user_id").filter(pl.col("tagged_at") <= pl.col("last_rated")).drop("last_rated")


def select_part(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    """The ratings in `part`, without the column `part`."""
    return split.filter(pl.col("part") == part).drop("part")
