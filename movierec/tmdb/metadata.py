"""TMDB's metadata of movies as a star schema, and the one row per movie that a page shows.

For display only: no model is trained on these tables (TMDB's terms), unless MOVIEREC_TMDB_FEATURES is 1.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

import polars as pl

from movierec.data.schema import TIMESTAMP, Schema

N_CAST_SHOWN = 8  # so many of the cast stand on a page
DIRECTOR_JOB = "Director"
BATCH_SIZE = 2_000  # movies shaped at a time; a whole catalogue's credits as Python objects are gigabytes
IMAGE_PATH_PATTERN = re.compile(r"/[\w-]{1,80}\.(?:jpg|jpeg|png|webp)")

METADATA_SCHEMAS: dict[str, Schema] = {
    "movies": {
        "movie_id": pl.Int32,
        "tmdb_id": pl.Int32,
        "imdb_id": pl.String,
        "title": pl.String,
        "original_title": pl.String,
        "original_language": pl.String,
        "overview": pl.String,
        "tagline": pl.String,
        "runtime": pl.Int32,  # minutes
        "release_date": pl.Date,
        "vote_average": pl.Float32,  # 0 to 10
        "vote_count": pl.Int32,
        "budget": pl.Int64,
        "revenue": pl.Int64,
        "poster_path": pl.String,
        "backdrop_path": pl.String,
        "fetched_at": TIMESTAMP,
    },
    "persons": {"person_id": pl.Int64, "name": pl.String, "known_for": pl.String, "profile_path": pl.String},
    "cast": {"movie_id": pl.Int32, "person_id": pl.Int64, "character": pl.String, "order": pl.Int32},
    "crew": {"movie_id": pl.Int32, "person_id": pl.Int64, "department": pl.String, "job": pl.String},
    "genres": {"genre_id": pl.Int32, "name": pl.String},
    "movie_genres": {"movie_id": pl.Int32, "genre_id": pl.Int32},
    "companies": {"company_id": pl.Int64, "name": pl.String, "country": pl.String},
    "movie_companies": {"movie_id": pl.Int32, "company_id": pl.Int64},
}
KEY_COLUMNS = {"persons": "person_id", "genres": "genre_id", "companies": "company_id"}
DESCRIPTIONS: Schema = {
    "movie_id": pl.Int32,
    "overview": pl.String,
    "tagline": pl.String,
    "runtime": pl.Int32,
    "original_title": pl.String,  # null where it is the title
    "original_language": pl.String,  # ISO 639-1
    "directors": pl.List(pl.String),
    "cast": pl.List(pl.String),  # the first N_CAST_SHOWN, in TMDB's order
    "poster_path": pl.String,
    "backdrop_path": pl.String,
}


class MovieDetail(NamedTuple):
    """TMDB's answer about one movie: its details with `credits` appended."""

    movie_id: int
    body: Mapping[str, Any]
    fetched_at: datetime  # UTC, without a zone


@dataclass(frozen=True)
class Metadata:
    """The star schema: tables by `movie_id`, and one row per person, genre and company.

    Columns are as in METADATA_SCHEMAS.
    """

    movies: pl.DataFrame
    persons: pl.DataFrame
    cast: pl.DataFrame
    crew: pl.DataFrame
    genres: pl.DataFrame
    movie_genres: pl.DataFrame
    companies: pl.DataFrame
    movie_companies: pl.DataFrame

    @classmethod
    def from_details(cls, details: Iterable[MovieDetail]) -> Self:
        """Builds the tables. Values that an answer lacks, or has in another type, are null.

        Of a person, genre or company that occurs several times the last answer counts.
        """
        rest = iter(details)
        batches = [_build_tables(())]
        while batch := list(islice(rest, BATCH_SIZE)):
            batches.append(_build_tables(batch))
        tables = {name: pl.concat([batch[name] for batch in batches]) for name in METADATA_SCHEMAS}
        for name, key in KEY_COLUMNS.items():
            tables[name] = tables[name].unique(key, keep="last", maintain_order=True).sort(key)
        return cls(**tables)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote."""
        return cls(**{field.name: pl.read_parquet(folder / f"{field.name}.parquet") for field in fields(cls)})

    def save(self, folder: Path) -> None:
        """Writes one Parquet file per table into `folder`, which must exist."""
        for field in fields(self):
            getattr(self, field.name).write_parquet(folder / f"{field.name}.parquet")

    def build_descriptions(self) -> pl.DataFrame:
        """One row per movie with the columns of DESCRIPTIONS, ordered by movie_id."""
        named = self.persons.select("person_id", "name")
        cast = (
            self.cast.join(named, on="person_id")
            .sort("movie_id", "order", maintain_order=True)
            .group_by("movie_id", maintain_order=True)
            .agg(cast=pl.col("name").head(N_CAST_SHOWN))
        )
        directors = (
            self.crew.filter(pl.col("job") == DIRECTOR_JOB)
            .join(named, on="person_id", maintain_order="left")
            .group_by("movie_id", maintain_order=True)
            .agg(directors=pl.col("name").unique(maintain_order=True))
        )
        own_title = pl.when(pl.col("original_title") != pl.col("title")).then("original_title")
        return (
            self.movies.with_columns(original_title=own_title)
            .join(cast, on="movie_id", how="left")
            .join(directors, on="movie_id", how="left")
            .with_columns(pl.col("cast", "directors").fill_null([]))
            .select(DESCRIPTIONS.keys())
            .sort("movie_id")
        )


def _build_tables(details: Iterable[MovieDetail]) -> dict[str, pl.DataFrame]:
    """The tables of some movies; persons, genres and companies may occur several times."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in METADATA_SCHEMAS}
    for detail in details:
        for name, row in _iter_rows(detail):
            rows[name].append(row)
    return {name: _build_frame(found, METADATA_SCHEMAS[name]) for name, found in rows.items()}


def _build_frame(rows: list[dict[str, Any]], schema: Schema) -> pl.DataFrame:
    columns = {name: [row.get(name) for row in rows] for name in schema}
    return pl.DataFrame(columns, schema=schema, strict=False)


def _iter_rows(detail: MovieDetail) -> Iterator[tuple[str, dict[str, Any]]]:
    """(table, row) for each row in an answer."""
    movie, body = {"movie_id": detail.movie_id}, detail.body
    yield "movies", {**body, **movie, **_parse_movie(body), "fetched_at": detail.fetched_at}
    for genre in _select_identified(body.get("genres")):
        yield "genres", {"genre_id": genre["id"], "name": genre.get("name")}
        yield "movie_genres", movie | {"genre_id": genre["id"]}
    for company in _select_identified(body.get("production_companies")):
        row = {"company_id": company["id"], "name": company.get("name"), "country": company.get("origin_country")}
        yield "companies", row | {"country": row["country"] or None}
        yield "movie_companies", movie | {"company_id": company["id"]}
    credits_ = body.get("credits")
    for table in ("cast", "crew"):
        for member in _select_identified(credits_.get(table) if isinstance(credits_, Mapping) else None):
            yield "persons", _parse_person(member)
            yield table, {**member, **movie, "person_id": member["id"]}


def _parse_movie(body: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the table `movies` that need parsing; null where TMDB writes 0 or "" for unknown."""
    release = str(body.get("release_date") or "")
    return {
        "tmdb_id": body.get("id"),
        "overview": _clean_text(body.get("overview")),
        "tagline": _clean_text(body.get("tagline")),
        "runtime": body.get("runtime") or None,
        "budget": body.get("budget") or None,
        "revenue": body.get("revenue") or None,
        "release_date": _parse_date(release),
        "poster_path": parse_image_path(body.get("poster_path")),
        "backdrop_path": parse_image_path(body.get("backdrop_path")),
    }


def _parse_person(member: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "person_id": member["id"],
        "name": _clean_text(member.get("name")),
        "known_for": member.get("known_for_department"),
        "profile_path": parse_image_path(member.get("profile_path")),
    }


def _select_identified(members: Any) -> list[Mapping[str, Any]]:
    """The objects of a list that have a whole number as `id`."""
    listed = members if isinstance(members, list) else []
    return [member for member in listed if isinstance(member, Mapping) and isinstance(member.get("id"), int)]


def _clean_text(value: Any) -> str | None:
    return " ".join(value.split()) or None if isinstance(value, str) else None


def _parse_date(text: str) -> Any:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def parse_image_path(value: Any) -> str | None:
    """`value` if it is a plain image path such as "/uXDfjJbdP4ijW5hWSBrPrlKpxab.jpg", else None.

    The result is safe as a file name.
    """
    return value if isinstance(value, str) and IMAGE_PATH_PATTERN.fullmatch(value) else None
