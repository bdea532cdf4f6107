"""`python -m resources.warehouse`: DuckDB over the feature store, and its cleaned tables as CSV."""

import argparse
import code
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from movierec.published import atomic
from resources.settings import called

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


class StoreError(RuntimeError):
    """The feature store has not what was asked for."""


def connect(store: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database with a view per table of `store`, so that no file is ever locked."""
    tables = {path.stem: path for path in sorted(store.glob("*.parquet"))}
    if not tables:
        raise StoreError(f"no tables under {store}: run `make pipeline SAMPLE={store.name}` first")
    database = duckdb.connect()
    for name, table in (tables | _star(store / "tmdb_metadata")).items():
        path = str(table).replace("'", "''")
        try:
            database.execute(f"CREATE VIEW \"{name}\" AS SELECT * FROM read_parquet('{path}')")  # noqa: S608
        except duckdb.Error as error:
            raise StoreError(f"{_first_line(error)}; `make pipeline SAMPLE={store.name}` writes it anew") from error
    return database


def export(store: Path, folder: Path) -> list[Path]:
    """Writes EXPORTS as CSV files into `folder`; gives their paths. All or none where a table is missing."""
    database = connect(store)
    wanted = {table for query in EXPORTS.values() for table in database.get_table_names(query)}
    missing = sorted(wanted - set(_views(database)))
    if missing:
        raise StoreError(f"{store} lacks the table {', '.join(missing)}: run `make pipeline SAMPLE={store.name}` first")
    written = []
    for name, query in EXPORTS.items():
        path = folder / f"{name}.csv"
        with atomic(path) as part:
            target = str(part).replace("'", "''")
            try:
                database.execute(f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER)")
            except duckdb.BinderException as error:  # a column is missing: a table of other code
                raise StoreError(
                    f"{name}: {_first_line(error)}; `make pipeline SAMPLE={store.name}` writes the tables anew"
                ) from error
        written.append(path)
    return written


def prompt(store: Path) -> int:
    """Reads SQL from the terminal or a pipe and shows what it gives; how many statements of a pipe failed."""
    database = connect(store)
    console = _Sql(database)
    if sys.stdin.isatty():
        tables = ", ".join(_views(database))
        console.interact(f"DuckDB over {store}. Tables: {tables}\nEnd with ; and leave with Ctrl-D.", exitmsg="")
        return 0
    for line in sys.stdin:
        console.push(line.rstrip("\n"))
    console.run("\n".join(console.buffer))  # what no semicolon ended
    return console.failed


def _star(folder: Path) -> dict[str, Path]:
    """The tables of TMDB's metadata as tmdb_movies, tmdb_cast and so on; none where nothing was fetched."""
    pointer = folder / "CURRENT"
    if not pointer.is_file():
        return {}
    return {f"tmdb_{path.stem}": path for path in sorted((folder / pointer.read_text()).glob("*.parquet"))}


def _views(database: duckdb.DuckDBPyConnection) -> list[str]:
    found = database.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()
    return [name for (name,) in found]


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]


class _Sql(code.InteractiveConsole):
    """A Python console that speaks SQL: line editing and history come with it."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        super().__init__()
        self.database = database
        self.failed = 0

    def runsource(self, source: str, filename: str = "<sql>", symbol: str = "single") -> bool:
        """True while the last statement wants more lines; the other two are Python's and mean nothing here."""
        del filename, symbol
        if not source.strip():
            return False
        if not source.rstrip().endswith(";") or _is_inside_quotes(source):
            return True
        self.run(source)
        return False

    def run(self, source: str) -> None:
        """Runs every statement of `source`, also those behind a wrong one."""
        try:
            statements = duckdb.extract_statements(source)
        except duckdb.Error as error:
            self.fail(error)
            return
        for statement in statements:
            try:
                answer = self.database.sql(_bare(statement.query))
                if answer is not None:
                    answer.show(max_width=200)
            except duckdb.Error as error:
                self.fail(error)

    def fail(self, error: duckdb.Error) -> None:
        self.failed += 1
        self.write(f"{error}\n")

    def raw_input(self, prompt: str = "") -> str:
        return super().raw_input(("sql> " if prompt != "... " else "...> ") if sys.stdin.isatty() else "")


def _bare(statement: str) -> str:
    """Without its semicolon and what stands behind it: `sql` trips over a comment there."""
    text = statement.encode()  # tokens are counted in bytes
    ends = [at for at, _ in duckdb.tokenize(statement) if text[at : at + 1] == b";"]
    return text[: ends[0]].decode() if ends else statement


def _is_inside_quotes(source: str) -> bool:
    """Whether the semicolon at the end stands in a text, a name or a comment that is still open."""
    try:
        duckdb.extract_statements(source)
    except duckdb.ParserException as error:
        return "unterminated" in str(error)
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 where the store or a piped statement is at fault."""
    parser = argparse.ArgumentParser(prog="python -m resources.warehouse", description=__doc__)
    parser.add_argument("what", choices=["sql", "export"])
    settings, given = called(parser, arguments)
    store = settings.store / given.sample
    try:
        if given.what == "sql":
            return 1 if prompt(store) else 0
        for path in export(store, settings.exports / given.sample):
            sys.stdout.write(f"{path}\n")
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
