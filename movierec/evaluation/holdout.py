"""Who is measured on the holdout, by which relevant movies, in which segment."""

import polars as pl

from movierec.data.sampling import hash_to_fraction
from movierec.data.schema import RELEVANT
from movierec.data.splitting import new_user_ratings, ratings_before, select_part
from movierec.data.windows import COLD_MOVIES, COLD_USERS

MAX_USERS_PER_SEGMENT = 3_000  # users scored per segment; of more a fixed draw
HOLDOUT_DRAW = 3  # not the draw of the sample, of the label users, or of early stopping

# Users of the fit; new users folded in by their first half; new users without ratings; folded-in users on movies that
# nobody had rated.
KNOWN_USERS, FOLDED_IN_USERS = "known", "folded_in"
SEGMENTS = (KNOWN_USERS, FOLDED_IN_USERS, COLD_USERS, COLD_MOVIES)


def select_relevant_pairs(split: pl.LazyFrame, *, max_users: int) -> pl.DataFrame:
    """`segment, user_id, movie_id`: the movies that users liked in the holdout, for at most `max_users` users per
    segment.

    KNOWN_USERS have ratings before the holdout. New users form three segments: FOLDED_IN_USERS with what they liked in
    the second half of their ratings, COLD_MOVIES with those of these movies that nobody had rated before, COLD_USERS
    with everything they liked. Users who liked nothing cannot be scored and have no rows (see
    `count_users_without_likes`). The draw of users is fixed. Raises ValueError if nobody liked anything.
    """
    tables = _split_into_segments(split, "holdout").items()
    found = pl.concat(
        [_select_liked_pairs(table, max_users).with_columns(segment=pl.lit(name)) for name, table in tables]
    )
    if found.is_empty():
        raise ValueError(
            f"nobody rated a movie {RELEVANT} or better in the holdout, so nothing can be measured: take a larger "
            "sample, or data in which users have at least 5 ratings"
        )
    return found.select("segment", "user_id", "movie_id")


def count_users_without_likes(split: pl.LazyFrame) -> dict[str, int]:
    """By segment, the number of users with ratings in the holdout who liked none of them and so cannot be scored."""
    best = pl.col("rating").max().over("user_id")
    disappointed = pl.col("user_id").filter(best < RELEVANT).n_unique()
    tables = _split_into_segments(split, "holdout").items()
    return {name: table.select(disappointed).collect().item() for name, table in tables}


def _split_into_segments(split: pl.LazyFrame, part: str) -> dict[str, pl.LazyFrame]:
    """By segment, the ratings of `part` that are to be predicted."""
    new = new_user_ratings(split, part)
    later = new.filter(~pl.col("given"))
    return {
        KNOWN_USERS: select_part(split, part).join(new.select("user_id").unique(), on="user_id", how="anti"),
        FOLDED_IN_USERS: later,
        COLD_USERS: new,
        COLD_MOVIES: later.join(ratings_before(split, part), on="movie_id", how="anti"),
    }


def _select_liked_pairs(ratings: pl.LazyFrame, max_users: int) -> pl.DataFrame:
    liked = ratings.filter(pl.col("rating") >= RELEVANT).select("user_id", "movie_id").collect(engine="streaming")
    users = (
        liked.select(pl.col("user_id").unique())
        .sort(hash_to_fraction(pl.col("user_id"), draw=HOLDOUT_DRAW), "user_id")
        .head(max_users)
    )
    return liked.join(users, on="user_id", how="semi").sort("user_id", "movie_id")
