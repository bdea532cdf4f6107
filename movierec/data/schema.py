"""Columns and types of the tables, and the function that checks a table against them."""

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


# What the columns of the stored tables mean, wherever they stand.
COLUMN_DESCRIPTIONS: Mapping[str, str] = {
    "user_id": "user, as the source numbers them",
    "movie_id": "movie, as the source numbers them",
    "rating": "stars, 0.5 to 5",
    "rated_at": "when it was rated, UTC",
    "tag": "free text that the user wrote on the movie",
    "tagged_at": "when the tag was written, UTC",
    "imdb_id": "number in IMDb's address of the movie; null where unknown",
    "tmdb_id": "number in TMDB's address of the movie; null where unknown",
    "title": 'title with year, as MovieLens writes it: "Matrix, The (1999)"',
    "display_title": 'title as people read it: "The Matrix"',
    "year": "year of release; null where the title names none",
    "genres": 'genres; empty for "(no genres listed)"',
    "part": "history (candidate models learn), labels (the ranker learns), holdout (both are measured)",
    "as_of": "the cut whose ratings count: history, known (history and labels) or all",
    "standardized_rating": "rating minus the user's mean, divided by the user's standard deviation",
    "score": "what the model orders by; comparable only within one model and user",
    "rank": "place in the user's ranking, from 1",
    "model": "name of the model",
    "segment": "what is known of the user or movie at the cut; docs/evaluation.md lists the segments",
    "window": "the day of the cut of the window",
    "cut": "when the window begins; what was rated before is known",
    "end": "when the window ends",
    "fingerprint": "changes with the ratings before the window's end, the ranker's features and the models' parameters",
    "metric": "name of the metric, with its k",
    "value": "mean over users",
    "low": "lower end of the 95 % bootstrap interval; null where there is none",
    "high": "upper end of the 95 % bootstrap interval; null where there is none",
    "n": "number of users",
    "base": "the model that it is compared with",
    "relevant": "whether the user later rated it at or above the relevance threshold",
    "gain": "training target of the ranker: 1 liked, 0.3 rated lower, 0 not rated",
    "n_ratings": "number of ratings",
    "mean_rating": "mean of the ratings, in stars",
    "popularity": "score of the popularity model",
    "similar_ids": "most similar movies, nearest first",
    "cluster": "number of the movie's cluster",
    "poster_path": "path of the poster at TMDB",
}


class SchemaError(ValueError):
    """A table does not match its schema; the message lists every mismatch."""


def conform_to_schema(name: str, table: pl.LazyFrame, schema: Schema) -> pl.LazyFrame:
    """Returns `table` with exactly the columns of `schema`, in its order, cast to its types.

    Only the width of a type may differ (Int64 for Int32), not its kind. Raises SchemaError that names the missing
    columns and those of another kind.
    """
    found = table.collect_schema()
    missing = [column for column in schema if column not in found]
    if missing:
        raise SchemaError(f"table {name} lacks {missing}; it has {list(found)}")
    wrong = [
        f"{column} is {found[column]}, wanted {wanted}"
        for column, wanted in schema.items()
        if not _is_same_kind(found[column], wanted)
    ]
    if wrong:
        raise SchemaError(f"table {name}: {'; '.join(wrong)}")
    return table.select(pl.col(column).cast(dtype) for column, dtype in schema.items())


def _is_same_kind(found: pl.DataType, wanted: pl.DataType | type[pl.DataType]) -> bool:
    """Whether a cast from `found` to `wanted` changes only the width of the type, not its meaning."""
    for kind in ("is_integer", "is_float", "is_temporal"):
        if getattr(wanted, kind)():
            return bool(getattr(found, kind)()) or found == pl.Null
    return found in (wanted, pl.Null)


RELEVANT = 4.0  # a rating from which a movie counts as liked

# The columns that tables of windows have beside their own: which window, and of which ratings.
WINDOW_COLUMNS: Schema = {"window": pl.String(), "fingerprint": pl.UInt64()}
_INTERVAL = {"value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64}
MEASURED: Schema = {"segment": pl.String, "model": pl.String, "metric": pl.String, **_INTERVAL}
COMPARED: Schema = {"segment": pl.String, "model": pl.String, "base": pl.String, **_INTERVAL}
