"""Who is measured on the holdout, by which relevant movies, in which segment."""

import polars as pl

from movierec.data.sampling import hash_to_fraction
from movierec.data.schema import RELEVANT
from movierec.data.splitting import new_user_ratings, ratings_before, select_part

MAX_USERS_PER_SEGMENT = 3_000  # of a segment that are scored; of more a fixed draw
HOLDOUT_DRAW = 3  # not the draw of the sample, of the label users, or of early stopping

# Who is scored: users of the fit, newcomers by their first half, newcomers before their first rating; and newcomers by
# their first half on the movies that nobody had rated.
KNOWN_USERS, FOLDED_IN_USERS, COLD_USERS, COLD_MOVIES = SEGMENTS = ("known", "folded_in", "cold", "cold_movies")


def select_relevant_pairs(split: pl.LazyFrame, *, max_users: int) -> pl.DataFrame:
    """`segment, user_id, movie_id` of the movies liked in the holdout, by a fixed draw of `max_users` a segment.

    Users who rated before it are KNOWN. Newcomers stand in three segments: FOLDED_IN with what they liked in
    their second half, COLD_MOVIES with that of it which nobody had rated before, COLD with all that they liked.
    Users who liked nothing cannot be scored and have no rows; `who_liked_nothing` counts them.
    Raises ValueError when nobody liked anything.
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
    """By segment, how many users who rated in the holdout liked nothing there, and so cannot be scored."""
    best = pl.col("rating").max().over("user_id")
    disappointed = pl.col("user_id").filter(best < RELEVANT).n_unique()
    tables = _split_into_segments(split, "holdout").items()
    return {name: table.select(disappointed).collect().item() for name, table in tables}


def _split_into_segments(split: pl.LazyFrame, part: str) -> dict[str, pl.LazyFrame]:
    """The ratings of `part` by which each segment is measured."""
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
