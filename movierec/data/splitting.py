"""The split of the ratings into history, labels and holdout.

Candidate models learn from the history, the ranker from the labels; both are measured on the holdout.
"""

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
    """Adds a column `part`: the last `holdout` share of each user's ratings by time is holdout, the share before it
    labels.

    Shares are of the user's ratings, rounded down. A user with fewer than `min_ratings` ratings has only history.
    Ratings with the same time are ordered by movie_id; for users with fewer than three distinct times by a hash of the
    pair, because otherwise the same movies would stand in everybody's holdout. The result is sorted in this order.
    """
    return _add_parts(ratings, _assign_parts_by_user(labels=labels, holdout=holdout, min_ratings=min_ratings))


def split_by_time(ratings: pl.LazyFrame, *, labels: float = 0.16, holdout: float = 0.20) -> pl.LazyFrame:
    """Adds a column `part`, cut at two times that are the same for all users.

    Shares are of all ratings. Ratings with the same time stay in one part, the later one, unless an earlier part would
    be empty. If there are fewer than three distinct times (see `can_split_by_time`), the ratings are split by user
    instead, and must not be evaluated as a split by time. Sorted as by `split_by_user`.
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
    """Whether the ratings have at least three distinct times, which a split by time needs."""
    return bool(ratings.select(HAS_THREE_TIMES).collect(engine="streaming").item())


def _assign_parts_by_user(*, labels: float, holdout: float, min_ratings: int = MIN_RATINGS_TO_SPLIT) -> pl.Expr:
    """The part of each rating; the table must be sorted by user and time."""
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
    """The ratings sorted by user and time (ties as in `split_by_user`), with `part` as an enum."""
    lot = pl.when(RATED_AT.n_unique().over("user_id") < 3).then(hash_to_fraction(PAIR_KEY, draw=SPLIT_DRAW))
    return ratings.sort("user_id", "rated_at", lot, "movie_id").with_columns(part=part.cast(PARTS))


def ratings_before(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    """The ratings in parts before `part`, without the column `part`."""
    return split.filter(pl.col("part") < pl.lit(part, PARTS)).drop("part")


def new_user_ratings(split: pl.LazyFrame, part: str) -> pl.LazyFrame:
    """The ratings in `part` of users who have none in an earlier part, with a column `given`, ordered by user and time.

    `given` is true for the first half of a user's ratings, rounded down: these fold the user in, the others are to be
    predicted.
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
