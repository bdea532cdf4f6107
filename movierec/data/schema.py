"""Columns and types of every table, and the one way to hold a table to them."""

from collections.abc import Mapping

import polars as pl

Schema = Mapping[str, pl.DataType | type[pl.DataType]]

TIMESTAMP = pl.Datetime("ms")  # UTC, without a zone in the type

RATINGS: Schema = {"user_id": pl.Int32, "movie_id": pl.Int32, "rating": pl.Float32, "rated_at": TIMESTAMP}
TAGS: Schema = {"user_id": pl.Int32, "movie_id": pl.Int32, "tag": pl.String, "tagged_at": TIMESTAMP}
LINKS: Schema = {"movie_id": pl.Int32, "imdb_id": pl.Int32, "tmdb_id": pl.Int32}
RAW_MOVIES: Schema = {"movie_id": pl.Int32, "title": pl.String, "genres": pl.String}
MOVIES: Schema = {
    "movie_id": pl.Int32,
    "title": pl.String,  # as MovieLens writes it: "Matrix, The (1999)"
    "display_title": pl.String,  # as people read it: "The Matrix"
    "year": pl.Int16,  # null where the title names none
    "genres": pl.List(pl.String),  # empty for "(no genres listed)"
}
CANDIDATES: Schema = {"user_id": pl.Int32, "movie_id": pl.Int32, "score": pl.Float32, "rank": pl.Int32}


class SchemaError(ValueError):
    """A table is not what its schema says; the message lists every fault."""


def conform(name: str, table: pl.LazyFrame, schema: Schema) -> pl.LazyFrame:
    """`table` with exactly the columns of `schema`, in its order, cast where nothing is lost.

    Raises SchemaError that names the missing columns and those of another kind.
    """
    found = table.collect_schema()
    missing = [column for column in schema if column not in found]
    if missing:
        raise SchemaError(f"table {name} lacks {missing}; it has {list(found)}")
    wrong = [
        f"{column} is {found[column]}, wanted {wanted}"
        for column, wanted in schema.items()
        if not _same_kind(found[column], wanted)
    ]
    if wrong:
        raise SchemaError(f"table {name}: {'; '.join(wrong)}")
    return table.select(pl.col(column).cast(dtype) for column, dtype in schema.items())


def _same_kind(found: pl.DataType, wanted: pl.DataType | type[pl.DataType]) -> bool:
    """Whether a cast between the two is a matter of width, not of meaning."""
    for kind in ("is_integer", "is_float", "is_temporal"):
        if getattr(wanted, kind)():
            return bool(getattr(found, kind)()) or found == pl.Null
    return found in (wanted, pl.Null)


RELEVANT = 4.0  # a rating from which a movie counts as liked
