"""The tags a movie is known by."""

import polars as pl

from movierec.content import words

LONGEST = 40  # letters; what is longer is a remark


def top_tags(tags: pl.LazyFrame, *, n: int = 10) -> pl.LazyFrame:
    """`movie_id, tags`: of each tagged movie the tags that most people gave it, in lower case, then by alphabet."""
    return (
        words(tags.collect())
        .lazy()
        .filter(pl.col("tag").str.len_chars() <= LONGEST)
        .group_by("movie_id")
        .agg(tags=pl.col("tag").sort_by("n_people", "tag", descending=[True, False]).head(n))
    )
