"""Descriptions of movies from TMDB. The graph writes them, the site reads them.

They are in `<home>/metadata/<sample>/descriptions.parquet`.
"""

import logging
import threading
from pathlib import Path
from typing import NamedTuple

import polars as pl

from movierec.bundles.versioned_folders import FileStamp, read_stamp
from movierec.data.schema import SchemaError, conform_to_schema
from movierec.tmdb.metadata import DESCRIPTIONS, parse_image_path

log = logging.getLogger(__name__)


class Description(NamedTuple):
    """What TMDB says of one movie; None or empty where it says nothing."""

    movie_id: int
    overview: str | None
    tagline: str | None
    runtime: int | None  # minutes
    original_title: str | None  # where it differs from the title
    original_language: str | None  # ISO 639-1
    directors: tuple[str, ...]
    cast: tuple[str, ...]
    poster_path: str | None
    backdrop_path: str | None


class Descriptions:
    """The descriptions of many movies, by movie id."""

    def __init__(self, table: pl.DataFrame) -> None:
        """`table` has the columns of DESCRIPTIONS. Raises SchemaError if one is missing."""
        self._table = conform_to_schema("descriptions", table.lazy(), DESCRIPTIONS).collect().rechunk()
        self._rows = {movie_id: row for row, movie_id in enumerate(self._table["movie_id"].to_list())}
        self.movies_with_poster = frozenset(self._table.drop_nulls("poster_path")["movie_id"].to_list())

    def __len__(self) -> int:
        return len(self._rows)

    def find_description(self, movie_id: int) -> Description | None:
        """The description of a movie, or None."""
        row = self._rows.get(movie_id)
        if row is None:
            return None
        found = Description(*self._table.row(row))
        return found._replace(
            directors=tuple(found.directors),
            cast=tuple(found.cast),
            poster_path=parse_image_path(found.poster_path),
            backdrop_path=parse_image_path(found.backdrop_path),
        )


NO_DESCRIPTIONS = Descriptions(pl.DataFrame(schema=DESCRIPTIONS))


class LiveDescriptions:
    """The current descriptions. A new file is detected by one `stat`.

    If it cannot be read, that is logged once and the old descriptions stay.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptions = NO_DESCRIPTIONS
        self._stamp: FileStamp = None
        self._lock = threading.Lock()

    def __call__(self) -> Descriptions:
        """The current descriptions; none if there is no file."""
        stamp = read_stamp(self.path)
        if stamp is None:  # nothing was fetched, or it was taken away
            self._descriptions, self._stamp = NO_DESCRIPTIONS, None
            return NO_DESCRIPTIONS
        # The first to see a new file reads it, the others meanwhile go on with the old one.
        if stamp != self._stamp and self._lock.acquire(blocking=self._stamp is None):
            try:
                if stamp != self._stamp:
                    self._descriptions = Descriptions(pl.read_parquet(self.path))
            except (OSError, SchemaError, pl.exceptions.PolarsError) as error:
                log.warning("kept %d descriptions, %s cannot be read: %s", len(self._descriptions), self.path, error)
            finally:
                self._stamp = stamp
                self._lock.release()
        return self._descriptions
