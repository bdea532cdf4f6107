"""The tags a movie is known by."""

import polars as pl

LONGEST = 40  # letters; what is longer is a remark


def top_tags(tags: pl.LazyFrame, *, n: int = 10) -> pl.LazyFrame:
    """`movie_id, tags`: of each tagged movie the tags that most people gave it, in lower case, then by alphabet."""
    tag = pl.col("tag").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return (
        tags.with_columns(tag=tag)
        .filter(pl.col("tag").str.len_chars().is_between(1, LONGEST))
        .group_by("movie_id", "tag")
        .agg(people=pl.col("user_id").n_unique())
        .group_by("movie_id")
        .agg(tags=pl.col("tag").sort_by("people", "tag", descending=[True, False]).head(n))
    )
