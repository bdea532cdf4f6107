"""How good lists of similar movies are: what people like next after a movie that they liked, beyond popularity."""

import polars as pl

from movierec.data.schema import RELEVANT
from movierec.data.windows import Window

LIST_LENGTH = 10
NEXT_LIKED = 5  # so many liked movies after a liked one are looked for in its list


def select_liked_pairs(ratings: pl.LazyFrame, window: Window) -> pl.DataFrame:
    """`user_id, movie_id, next_id`: each movie that a user liked in the window, with each of the next NEXT_LIKED movies
    that they liked there, in order of time."""
    inside = pl.col("rated_at").is_between(window.cut, window.end, closed="left")
    liked = (
        ratings.filter(inside & (pl.col("rating") >= RELEVANT))
        .sort("user_id", "rated_at", "movie_id")
        .select("user_id", "movie_id")
        .collect(engine="streaming")
    )
    later = [
        liked.with_columns(next_id=pl.col("movie_id").shift(-step).over("user_id")).drop_nulls("next_id")
        for step in range(1, NEXT_LIKED + 1)
    ]
    return pl.concat(later)


def score_similar_movies(similar: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """`user_id, hit, by_chance`, a row for each of `pairs` whose movies both have a list.

    `similar` is `movie_id, similar_ids`. `hit` is 1 if `next_id` is among the first LIST_LENGTH similar movies, else 0.
    `by_chance` is what a list of the same movies hits if the next movie does not depend on the one before: the sum of
    the shares that the listed movies have of all next movies. A list of popular movies hits often, but also by chance;
    hit - by_chance is what the list knows about the movie.
    """
    listed = similar.select("movie_id", pl.col("similar_ids").list.head(LIST_LENGTH))
    ids = listed["movie_id"]
    known = pairs.filter(pl.col("movie_id").is_in(ids.implode()), pl.col("next_id").is_in(ids.implode()))
    shares = known.group_by("next_id").agg(share=pl.len() / len(known))
    entries = listed.explode("similar_ids", empty_as_null=False).rename({"similar_ids": "next_id"})
    chance = entries.join(shares, on="next_id").group_by("movie_id").agg(by_chance=pl.col("share").sum())
    hits = entries.with_columns(hit=pl.lit(1.0))
    return (
        known.join(hits, on=["movie_id", "next_id"], how="left", maintain_order="left")
        .join(chance, on="movie_id", how="left", maintain_order="left")
        .select("user_id", pl.col("hit", "by_chance").fill_null(0.0))
    )
