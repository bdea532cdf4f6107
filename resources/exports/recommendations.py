"""The top of the published recommender for every user, as a Parquet file."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from movierec.bundles.atomic_write import atomic_write
from movierec.recommender.recommendations import POPULARITY_FALLBACK
from movierec.recommender.two_stage import Recommender

RECOMMENDATIONS_SCHEMA = {
    "user_id": pl.Int64,
    "movie_id": pl.Int32,
    "score": pl.Float32,
    "rank": pl.Int32,
    "model": pl.String,
}
MAX_BLOCK_ROWS = 1_000_000  # of unknown users, who cost nothing but what is written


class RecommendationError(ValueError):
    """Recommendations cannot be made. The message says why and what to do."""


def iter_recommendations(recommender: Recommender, user_ids: pl.Series, *, n: int) -> Iterator[pl.DataFrame]:
    """Yields tables with the columns of RECOMMENDATIONS_SCHEMA: first known users, then unknown users.

    Unknown users get the most popular movies, as on the site. Rank starts at 1.
    """
    known = user_ids.is_in(recommender.interactions.user_ids.tolist())
    for block in recommender.iter_recommendations(user_ids.filter(known).to_numpy(), n=n):
        yield _cast_to_schema(block, recommender.model)
    popular = pl.DataFrame(
        {"movie_id": recommender.popular.movie_ids[:n], "score": recommender.popular.scores[:n]}
    ).with_row_index("rank", offset=1)
    strangers = user_ids.filter(~known).alias("user_id").to_frame()
    for some in strangers.iter_slices(max(1, MAX_BLOCK_ROWS // n)):
        yield _cast_to_schema(some.join(popular, how="cross"), POPULARITY_FALLBACK)


def _cast_to_schema(table: pl.DataFrame, model: str) -> pl.DataFrame:
    named = table.with_columns(model=pl.lit(model))
    return named.select(pl.col(name).cast(dtype) for name, dtype in RECOMMENDATIONS_SCHEMA.items())


def write_recommendations(recommender: Recommender, user_ids: pl.Series, *, n: int, out: Path) -> int:
    """Writes the recommendations to `out` block by block, so memory does not grow with the number of users.

    Gives the number of rows. Raises RecommendationError if n < 1.
    """
    if n < 1:
        raise RecommendationError(f"N={n}: ask for at least one movie a user")
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    schema = pl.DataFrame(schema=RECOMMENDATIONS_SCHEMA).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    with atomic_write(out) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for block in iter_recommendations(recommender, user_ids, n=n):
            table: pa.Table = block.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer.write_table(table)
            rows += block.height
    return rows
