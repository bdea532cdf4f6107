"""Exports movies, genres, users and ratings to SQLite or PostgreSQL. All tables are replaced in one transaction."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import dagster as dg
import polars as pl
import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from movierec.settings import Settings, parse_database_url

POSTGRES_SCHEMA = "movierec"  # of PostgreSQL; SQLite has none
ROWS_PER_COPY = 200_000

TABLES = {
    "movies": """movie_id integer PRIMARY KEY, title text NOT NULL, year smallint, popularity double precision,
        mean_rating real, n_ratings integer NOT NULL, imdb_id integer, tmdb_id integer""",
    "movie_genres": """movie_id integer NOT NULL REFERENCES {movies} (movie_id), genre text NOT NULL,
        PRIMARY KEY (movie_id, genre)""",
    "users": "user_id integer PRIMARY KEY, n_ratings integer NOT NULL, mean_rating real NOT NULL",
    "interactions": """user_id integer NOT NULL REFERENCES {users} (user_id),
        movie_id integer NOT NULL REFERENCES {movies} (movie_id), rating real NOT NULL, rated_at timestamp NOT NULL,
        PRIMARY KEY (user_id, movie_id)""",
}
INDEXES = {
    "movie_genres_by_genre": "movie_genres (genre)",
    "movies_by_popularity": "movies (popularity)",
    "interactions_by_movie": "interactions (movie_id)",
}


class ExportError(RuntimeError):
    """The database cannot be written. The message names it without its password."""


class RelationalStore(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The export's database: the one in MOVIEREC_EXPORT_DATABASE_URL, else `<folder>/<sample>.db` (SQLite).

    The variable is read only when it is needed, so that a password in it appears in no configuration and no log.
    """

    folder: str

    def write_relations(self, sample: str, relations: Mapping[str, pl.LazyFrame]) -> str:
        """Replaces the tables in the database; gives a description of where they are.

        Raises ExportError, and SettingsError for a wrong setting.
        """
        given = Settings.from_environment().export_database_url.get_secret_value()
        url = parse_database_url(given) if given else None
        if url is None or url.drivername == "sqlite":
            path = Path(url.database or "") if url else Path(self.folder, f"{sample}.db")
            write_sqlite(path, relations)
            return str(path)
        name = name_database(url)
        try:
            write_postgres(url, relations)
        except psycopg.Error as error:
            raise ExportError(f"{name} cannot be written: {str(error).strip()}") from None
        return name


def name_database(url: URL) -> str:
    """The PostgreSQL database of `url`, for people, without its password."""
    database, host = url.database or url.username, url.host or url.query.get("host") or "this machine"
    return f"PostgreSQL database {database} of {host}, schema {POSTGRES_SCHEMA}"


def build_relations(catalogue: pl.LazyFrame, ratings: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """The rows of each table in TABLES: tables in an order that satisfies foreign keys, columns as in TABLES."""
    users = ratings.group_by("user_id").agg(n_ratings=pl.len(), mean_rating=pl.col("rating").mean())
    genres = catalogue.select("movie_id", genre="genres").explode("genre").drop_nulls().unique()
    return {
        "movies": catalogue.select(
            "movie_id", "title", "year", "popularity", "mean_rating", "n_ratings", "imdb_id", "tmdb_id"
        ),
        "movie_genres": genres.sort("movie_id", "genre"),
        "users": users.sort("user_id"),
        "interactions": ratings.select(
            "user_id", "movie_id", "rating", pl.col("rated_at").dt.strftime("%Y-%m-%d %H:%M:%S")
        ),
    }


def write_sqlite(path: Path, tables: Mapping[str, pl.LazyFrame]) -> None:
    """Replaces the tables of TABLES in one transaction: readers see either the old or the new tables."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = {name: f"{name}_new" for name in TABLES}
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")  # who reads meanwhile is not held up
        database.execute("BEGIN IMMEDIATE")
        try:
            for name, columns in TABLES.items():
                database.execute(f"CREATE TABLE {staged[name]} ({columns.format(**staged)})")
                rows = tables[name].collect(engine="streaming")
                places = ", ".join("?" * rows.width)
                database.executemany(f"INSERT INTO {staged[name]} VALUES ({places})", rows.iter_rows())  # noqa: S608
            for name in reversed(TABLES):
                database.execute(f"DROP TABLE IF EXISTS {name}")
            for name in TABLES:
                database.execute(f"ALTER TABLE {staged[name]} RENAME TO {name}")
            for name, columns in INDEXES.items():
                database.execute(f"CREATE INDEX {name} ON {columns}")
            database.execute("COMMIT")
        except BaseException:
            database.execute("ROLLBACK")
            raise


def write_postgres(url: URL, tables: Mapping[str, pl.LazyFrame]) -> None:
    """Replaces the schema POSTGRES_SCHEMA in one transaction. COPY fills a new schema, which is then renamed."""
    staging = f"{POSTGRES_SCHEMA}_new"
    named = {"new": sql.Identifier(staging), "old": sql.Identifier(POSTGRES_SCHEMA)}
    _, connection = url.get_dialect()().create_connect_args(url)
    with psycopg.connect(**connection) as database, database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [POSTGRES_SCHEMA])  # one export at a time
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {new} CASCADE").format(**named))
        cursor.execute(sql.SQL("CREATE SCHEMA {new}").format(**named))
        cursor.execute(sql.SQL("SET LOCAL search_path TO {new}").format(**named))
        for name, columns in TABLES.items():
            cursor.execute(f"CREATE TABLE {name} ({columns.format(**{each: each for each in TABLES})})".encode())
            rows = tables[name].collect(engine="streaming")
            with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)".encode()) as copy:
                for part in rows.iter_slices(ROWS_PER_COPY):
                    copy.write(part.write_csv(include_header=False).encode())
        for name, columns in INDEXES.items():
            cursor.execute(f"CREATE INDEX {name} ON {columns}".encode())
        cursor.execute(f"ANALYZE {', '.join(TABLES)}".encode())
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {old} CASCADE").format(**named))
        cursor.execute(sql.SQL("ALTER SCHEMA {new} RENAME TO {old}").format(**named))
