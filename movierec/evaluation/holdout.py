"""Who is measured on the holdout of each user's ratings, and by which relevant movies."""

import polars as pl

from movierec.data.sampling import hash_to_fraction
from movierec.data.schema import RELEVANT
from movierec.data.splitting import select_part

HOLDOUT_DRAW = 3  # not the draw of the sample, of the label users, or of early stopping
KNOWN_USERS = "known"  # the segment of all users with a holdout: they have ratings before it


def select_relevant_pairs(split: pl.LazyFrame, *, max_users: int) -> pl.DataFrame:
    """`segment, user_id, movie_id`: the movies that users liked in the holdout, for at most `max_users` users.

    Users who liked nothing cannot be scored and have no rows (see `count_users_without_likes`). The draw of users is
    fixed. Raises ValueError if nobody liked anything.
    """
    found = select_liked_pairs(select_part(split, "holdout"), max_users=max_users)
    if found.is_empty():
        raise ValueError(
            f"nobody rated a movie {RELEVANT} or better in the holdout, so nothing can be measured: take a larger "
            "sample, or data in which users have at least 5 ratings"
        )
    return found.select(pl.lit(KNOWN_USERS).alias("segment"), "user_id", "movie_id")


def count_users_without_likes(split: pl.LazyFrame) -> int:
    """The number of users with ratings in the holdout who liked none of them and so cannot be scored."""
    best = pl.col("rating").max().over("user_id")
    disappointed = pl.col("user_id").filter(best < RELEVANT).n_unique()
    return int(select_part(split, "holdout").select(disappointed).collect().item())


def select_liked_pairs(ratings: pl.LazyFrame, *, max_users: int) -> pl.DataFrame:
    """`user_id, movie_id` of the liked movies of `ratings`, for a fixed draw of at most `max_users` users."""
    liked = ratings.filter(pl.col("rating") >= RELEVANT).select("user_id", "movie_id").collect(engine="streaming")
    users = (
        liked.select(pl.col("user_id").unique())
        .sort(hash_to_fraction(pl.col("user_id"), draw=HOLDOUT_DRAW), "user_id")
        .head(max_users)
    )
    return liked.join(users, on="user_id", how="semi").sort("user_id", "movie_id")
