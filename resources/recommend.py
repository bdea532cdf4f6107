"""`python -m resources.recommend`: the top of the published recommender for every user, as a Parquet file."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from movierec.published import Bundle, BundleError, atomic, current
from movierec.recommender import FALLBACK, Recommender
from resources.settings import Settings, called

SCHEMA = {
    "user_id": pl.Int64,
    "movie_id": pl.Int32,
    "score": pl.Float32,
    "rank": pl.Int32,
    "model": pl.String,
}
BLOCK_ROWS = 1_000_000  # of unknown users, who cost nothing but what is written


class RecommendError(ValueError):
    """Recommendations cannot be made; the message says why and what to do."""


def recommendations(recommender: Recommender, user_ids: pl.Series, *, n: int) -> Iterator[pl.DataFrame]:
    """`user_id, movie_id, score, rank, model` in blocks; unknown users get the popular movies, as on the site."""
    known = user_ids.is_in(recommender.interactions.user_ids.tolist())
    for block in recommender.recommend_in_blocks(user_ids.filter(known).to_numpy(), n=n):
        yield _shaped(block, recommender.model)
    popular = pl.DataFrame(
        {"movie_id": recommender.popular.movie_ids[:n], "score": recommender.popular.scores[:n]}
    ).with_row_index("rank", offset=1)
    strangers = user_ids.filter(~known).alias("user_id").to_frame()
    for some in strangers.iter_slices(max(1, BLOCK_ROWS // n)):
        yield _shaped(some.join(popular, how="cross"), FALLBACK)


def _shaped(table: pl.DataFrame, model: str) -> pl.DataFrame:
    named = table.with_columns(model=pl.lit(model))
    return named.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())


def write(recommender: Recommender, user_ids: pl.Series, *, n: int, out: Path) -> int:
    """Writes `out` a block at a time, so that memory does not grow with the users; gives the number of rows."""
    if n < 1:
        raise RecommendError(f"N={n}: ask for at least one movie a user")
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    schema = pl.DataFrame(schema=SCHEMA).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    with atomic(out) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for block in recommendations(recommender, user_ids, n=n):
            table: pa.Table = block.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer.write_table(table)
            rows += block.height
    return rows


def users_of(path: Path) -> pl.Series:
    """The ids of a CSV file: its column userId or user_id, or its only column; each user once, in their order."""
    if not path.is_file():
        raise RecommendError(f"USERS={path} is not there")
    try:
        table = pl.read_csv(path, infer_schema_length=None)
        column = next((name for name in ("userId", "user_id") if name in table.columns), None)
        if column is None and table.width != 1:
            raise RecommendError(f"USERS={path} has the columns {table.columns}; one must be userId")
        return table[column or table.columns[0]].cast(pl.Int64).drop_nulls().unique(maintain_order=True)
    except pl.exceptions.PolarsError as error:
        raise RecommendError(f"USERS={path} is no CSV file of user ids: {error}") from error


def _published(settings: Settings, sample: str) -> Recommender:
    folder = current(settings.published(sample))
    if folder is None:
        raise RecommendError(f"nothing is published: run `make pipeline SAMPLE={sample}` first")
    return Bundle.open(folder).recommender


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make recommend", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("recommendations.parquet"))
    parser.add_argument("--n", type=int, default=10)
    parser.add_argument("--users", type=Path)
    settings, given = called(parser, arguments)
    try:
        recommender = _published(settings, given.sample)
        everybody = pl.Series(recommender.interactions.user_ids, dtype=pl.Int64)
        user_ids = users_of(given.users) if given.users else everybody
        rows = write(recommender, user_ids, n=given.n, out=given.out)
    except (RecommendError, BundleError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{given.out}: {rows:,} rows for {len(user_ids):,} users\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
