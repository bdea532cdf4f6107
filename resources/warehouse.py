"""`python -m resources.warehouse`: DuckDB over the feature store, and its cleaned tables as CSV."""

import argparse
import code
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from movierec.published import atomic
from movierec.sampling import SAMPLES
from resources.settings import Settings

# The exchange names of the cleaned tables, in MovieLens's own column names.
EXPORTS = {
    "cleaned_movies": """
        SELECT movie_id AS movieId, title, display_title AS displayTitle, year, array_to_string(genres, '|') AS genres
        FROM movies ORDER BY movieId""",
    "cleaned_ratings": """
        SELECT user_id AS userId, movie_id AS movieId, rating, epoch(rated_at)::BIGINT AS timestamp
        FROM ratings ORDER BY userId, rated_at, movieId""",
    "standardized_ratings": """
        SELECT user_id AS userId, movie_id AS movieId, standardized_rating AS standardizedRating
        FROM standardized_ratings ORDER BY userId, movieId""",
}


class StoreError(RuntimeError):
    """The feature store has not what was asked for."""


def connect(store: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database with a view per table of `store`, so that no file is ever locked."""
    tables = sorted(store.glob("*.parquet"))
    if not tables:
        raise StoreError(f"no tables under {store}: run `make pipeline SAMPLE={store.name}` first")
    database = duckdb.connect()
    for table in tables:
        path = str(table).replace("'", "''")
        database.execute(f"CREATE VIEW \"{table.stem}\" AS SELECT * FROM read_parquet('{path}')")  # noqa: S608
    return database


def export(store: Path, folder: Path) -> list[Path]:
    """Writes EXPORTS as CSV files into `folder`; gives their paths."""
    database = connect(store)
    written = []
    for name, query in EXPORTS.items():
        path = folder / f"{name}.csv"
        with atomic(path) as part:
            target = str(part).replace("'", "''")
            database.execute(f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER)")
        written.append(path)
    return written


def prompt(store: Path) -> None:
    """Reads SQL from the terminal or a pipe, a statement up to its semicolon, and shows what it gives."""
    database = connect(store)
    views = database.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
    banner = f"DuckDB over {store}. Tables: {', '.join(name for (name,) in views)}\nEnd with ; and leave with Ctrl-D."
    _Sql(database).interact(banner if sys.stdin.isatty() else "", exitmsg="")


class _Sql(code.InteractiveConsole):
    """A Python console that speaks SQL: line editing and history come with it."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        super().__init__()
        self.database = database

    def runsource(self, source: str, filename: str = "<sql>", symbol: str = "single") -> bool:
        """True while the statement wants more lines; the other two are Python's and mean nothing here."""
        del filename, symbol
        if not source.strip():
            return False
        if not source.rstrip().endswith(";"):
            return True
        try:
            answer = self.database.sql(source)
            if answer is not None:
                answer.show(max_width=200)
        except duckdb.Error as error:
            self.write(f"{error}\n")
        return False

    def raw_input(self, prompt: str = "") -> str:
        return super().raw_input(("sql> " if prompt != "... " else "...> ") if sys.stdin.isatty() else "")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m resources.warehouse", description=__doc__)
    parser.add_argument("what", choices=["sql", "export"])
    parser.add_argument("--sample", choices=SAMPLES, default="full")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment()
    store = settings.store / given.sample
    try:
        if given.what == "sql":
            prompt(store)
        else:
            for path in export(store, settings.exports / given.sample):
                sys.stdout.write(f"{path}\n")
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
