"""History, labels, holdout: what candidates learn from, what the ranker learns from, what both are measured on."""

import polars as pl

from movierec.data.sampling import hash_to_fraction

PARTS = pl.Enum(["history", "labels", "holdout"])


SPLIT_BY_USER_DESCRIPTION = "each user's last 20 % by time is the holdout, the 16 % before it the labels"
SPLIT_BY_TIME_DESCRIPTION = "the last 20 % of all ratings by time are the holdout, the 16 % before them the labels"

MIN_RATINGS_TO_SPLIT = 5  # of a user who has labels and a holdout
SPLIT_DRAW = 4  # none of the draws of users
RATED_AT = pl.col("rated_at")
PAIR_KEY = (pl.col("user_id").cast(pl.UInt64) * 0x9E3779B1 + pl.col("movie_id").cast(pl.UInt64)) % 2**32
HAS_THREE_TIMES = ((RATED_AT.min() < RATED_AT) & (RATED_AT.max() > RATED_AT)).any()

SPLIT_DESCRIPTIONS = {"per_user": SPLIT_BY_USER_DESCRIPTION, "global_time": SPLIT_BY_TIME_DESCRIPTION}


def split_by_user(
    ratings: pl.LazyFrame, *, labels: float = 0.16, holdout: float = 0.20, min_ratings: int = MIN_RATINGS_TO_SPLIT
) -> pl.LazyFrame:
    """`ratings` with a column `part`: each user's last share by time is holdout, the share before it labels.

    Shares are of the user's ratings, rounded down; a user with fewer than `min_ratings` is history alone.
    Ratings of the same second are ordered by movie_id, but by lot for a user of fewer than three moments: there the
    order of the ids would decide, and everybody's holdout would hold the same movies. The result is sorted so.
    """
    return _add_parts(ratings, _assign_parts_by_user(labels=labels, holdout=holdout, min_ratings=min_ratings))


def split_by_time(ratings: pl.LazyFrame, *, labels: float = 0.16, holdout: float = 0.20) -> pl.LazyFrame:
    """`ratings` with a column `part`, cut at two moments that are the same for everybody.

    Shares are of all ratings; ratings of one moment stay together, in the later part, unless an earlier part would have
    none. Where no two moments cut the ratings in three (`can_be_cut_in_time`) they are split by user instead, and
    nothing may be measured on it as if by time. Sorted as `split_by_user`.
    """
    first_label, first_holdout = (
        RATED_AT.sort().get((pl.len() * (1 - share)).floor().cast(pl.UInt32).clip(upper_bound=pl.len() - 1))
        for share in (labels + holdout, holdout)
    )
    first_label = first_label.clip(
        RATED_AT.filter(RATED_AT.min() < RATED_AT).min(), RATED_AT.filter(RATED_AT.max() > RATED_AT).max()
    )
    first_holdout = pl.max_horizontal(first_holdout, RATED_AT.filter(first_label < RATED_AT).min())
    by_time = (
        pl.when(first_holdout <= RATED_AT)
        .then(pl.lit("holdout"))
        .when(first_label <= RATED_AT)
        .then(pl.lit("labels"))
        .otherwise(pl.lit("history"))
    )
    by_user = _assign_parts_by_user(labels=labels, holdout=holdout)
    return _add_parts(ratings, pl.when(HAS_THREE_TIMES).then(by_time).otherwise(by_user))


def can_split_by_time(ratings: pl.LazyFrame) -> bool:
    """Whether the ratings are of three moments or more, as a history, labels and a holdout need."""
    return bool(ratings.select(HAS_THREE_TIMES).collect(engine="streaming").item())


def _assign_parts_by_user(*, labels: float, holdout: float, min_ratings: int = MIN_RATINGS_TO_SPLIT) -> pl.Expr:
    """Of ratings that are sorted by user and time."""
    number = pl.int_range(pl.len(), dtype=pl.Int32).over("user_id")
    total = pl.len().over("user_id")
    n_holdout = (total * holdout).floor()
    n_labels = (total * labels).floor()
    return (
        pl.when(total < min_ratings)
        .then(pl.lit("history"))
        .when(number >= total - n_holdout)
        .then(pl.lit("holdout"))
        .when(number >= total - n_holdout - n_labels)
        .then(pl.lit("labels"))
        .otherwise(pl.lit("history"))
    )


def _add_parts(ratings: pl.LazyFrame, part: pl.Expr) -> pl.LazyFrame:
    lot = pl.when(RATED_AT.n_unique().over("user_id") < 3).then(hash_to_fraction(PAIR_KEY, draw=SPLIT_DRAW))
    return ratings.sort("user_id", "rated_at", lot, "movie_id").with_columns(part=part.cast(PARTS))


def ratings_before(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    """The ratings in earlier parts than `part`."""
    return split.filter(pl.col("part") < pl.lit(part, PARTS)).drop("part")


def new_user_ratings(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    """The ratings in `part` of users without an earlier one, with `given`: whether it is of their first half.

    The first half, rounded down, is what they are folded in by; the rest is what they then did.
    """
    number, total = pl.int_range(pl.len()).over("user_id"), pl.len().over("user_id")
    return (
        select_part(split, part)
        .join(ratings_before(split, part), on="user_id", how="anti")
        .sort("user_id", "rated_at", "movie_id")
        .with_columns(given=number < total // 2)
    )


# What a model may know at each cut. "all" is what is published; nothing is measured with it.
CUTS = {"history": ["history"], "known": ["history", "labels"], "all": ["history", "labels", "holdout"]}


def ratings_at_cut(split: pl.LazyFrame, cut: str) -> pl.LazyFrame:
    """The ratings of a split table that a model of the given cut may see."""
    return split.filter(pl.col("part").is_in(CUTS[cut])).drop("part")


def tags_at_cut(tags: pl.LazyFrame, ratings: pl.LazyFrame) -> pl.LazyFrame:
    """The tags that each user of `known` had written by the time of their last rating there."""
    last = ratings.group_by("user_id").agg(last_rated=pl.col("rated_at").max())
    return tags.join(last, on="user_id").filter(pl.col("tagged_at") <= pl.col("last_rated")).drop("last_rated")


def select_part(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    return split.filter(pl.col("part") == part).drop("part")
