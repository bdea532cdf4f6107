"""DuckDB over the feature store, and its cleaned tables as CSV files."""

from pathlib import Path

import duckdb

from movierec.bundles.atomic_write import atomic_write
from movierec.bundles.versioned_folders import current_version

# The exchange names of the cleaned tables, in MovieLens's own column names.
EXPORT_QUERIES = {
    "cleaned_movies": """
        SELECT movie_id AS movieId, title, display_title AS displayTitle, year, array_to_string(genres, '|') AS genres
        FROM movies ORDER BY movieId""",
    "cleaned_ratings": """
        SELECT user_id AS userId, movie_id AS movieId, rating, epoch(rated_at)::BIGINT AS timestamp
        FROM ratings ORDER BY userId, rated_at, movieId""",
    "standardized_ratings": """
        SELECT user_id AS userId, movie_id AS movieId, standardized_rating AS standardizedRating
        FROM standardized_ratings ORDER BY userId, movieId""",
    "clusters_movies_with_tags": r"""
        SELECT movie_id AS movieId, title, array_to_string(genres, '|') AS genres, cluster, coalesce(tags, '') AS tags
        FROM movies JOIN clusters USING (movie_id) LEFT JOIN (
            SELECT movie_id, string_agg(word, '|' ORDER BY people DESC, word) AS tags FROM (
                SELECT movie_id, lower(regexp_replace(tag, '^[\s\p{Z}]+|[\s\p{Z}]+$', '', 'g')) AS word,
                    count(DISTINCT user_id) AS people FROM tags GROUP BY ALL)
            WHERE word <> '' GROUP BY movie_id) USING (movie_id)
        ORDER BY cluster, movieId""",
    "sorted_tags_by_cluster": """
        SELECT cluster, rank, tag, score, n_people AS people, n_movies AS movies
        FROM cluster_tags ORDER BY cluster, rank""",
}


class FeatureStoreError(RuntimeError):
    """The feature store lacks what is needed. The message says what to run."""


def connect_to_store(store: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with one view per table of the store; no file is locked. Raises FeatureStoreError."""
    tables = {path.stem: path for path in sorted(store.glob("*.parquet"))}
    if not tables:
        raise FeatureStoreError(f"no tables under {store}: run `make pipeline SAMPLE={store.name}` first")
    database = duckdb.connect()
    for name, table in (tables | _find_tmdb_tables(store / "tmdb_metadata")).items():
        path = str(table).replace("'", "''")
        try:
            database.execute(f"CREATE VIEW \"{name}\" AS SELECT * FROM read_parquet('{path}')")  # noqa: S608
        except duckdb.Error as error:
            raise FeatureStoreError(
                f"{_get_first_line(error)}; `make pipeline SAMPLE={store.name}` writes it anew"
            ) from error
    return database


def export_tables(store: Path, folder: Path) -> list[Path]:
    """Runs EXPORT_QUERIES and writes each result as a CSV file into `folder`; gives the paths.

    Writes nothing if a table is missing. Raises FeatureStoreError.
    """
    database = connect_to_store(store)
    wanted = {table for query in EXPORT_QUERIES.values() for table in database.get_table_names(query)}
    missing = sorted(wanted - set(views(database)))
    if missing:
        raise FeatureStoreError(
            f"{store} lacks the table {', '.join(missing)}: run `make pipeline SAMPLE={store.name}` first"
        )
    written = []
    for name, query in EXPORT_QUERIES.items():
        path = folder / f"{name}.csv"
        with atomic_write(path) as part:
            target = str(part).replace("'", "''")
            try:
                database.execute(f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER)")
            except duckdb.BinderException as error:  # a column is missing: a table of other code
                raise FeatureStoreError(
                    f"{name}: {_get_first_line(error)}; `make pipeline SAMPLE={store.name}` writes the tables anew"
                ) from error
        written.append(path)
    return written


def _find_tmdb_tables(folder: Path) -> dict[str, Path]:
    """The tables of the TMDB metadata, named tmdb_movies, tmdb_cast and so on; empty if nothing was fetched."""
    version = current_version(folder)
    return {f"tmdb_{path.stem}": path for path in sorted(version.glob("*.parquet"))} if version else {}


def views(database: duckdb.DuckDBPyConnection) -> list[str]:
    found = database.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
    return [name for (name,) in found]


def _get_first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
