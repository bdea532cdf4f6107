"""`make sql` and `make export`: a DuckDB prompt over the feature store, and its cleaned tables as CSV."""

import argparse
import code
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from assets.commands.arguments import parse_arguments
from resources.exports.duckdb_store import FeatureStoreError, connect_to_store, export_tables, views


def run_sql_prompt(store: Path) -> int:
    """Reads SQL statements from the terminal or a pipe and prints their results.

    Gives the number of failed statements of a pipe; 0 for a terminal.
    """
    database = connect_to_store(store)
    console = _SqlConsole(database)
    if sys.stdin.isatty():
        tables = ", ".join(views(database))
        console.interact(f"DuckDB over {store}. Tables: {tables}\nEnd with ; and leave with Ctrl-D.", exitmsg="")
        return 0
    for line in sys.stdin:
        console.push(line.rstrip("\n"))
    console.run_statements("\n".join(console.buffer))  # what no semicolon ended
    return console.n_failed


class _SqlConsole(code.InteractiveConsole):
    """A console for SQL, built on Python's own console for its line editing and history."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        super().__init__()
        self.database = database
        self.n_failed = 0

    def runsource(self, source: str, filename: str = "<sql>", symbol: str = "single") -> bool:
        """True if the statement needs more lines. `filename` and `symbol` are not used; the base class has them."""
        del filename, symbol
        if not source.strip():
            return False
        if not source.rstrip().endswith(";") or _is_inside_quotes(source):
            return True
        self.run_statements(source)
        return False

    def run_statements(self, source: str) -> None:
        """Runs all statements of `source`; a failed one does not stop the next."""
        try:
            statements = duckdb.extract_statements(source)
        except duckdb.Error as error:
            self.report_error(error)
            return
        for statement in statements:
            try:
                answer = self.database.sql(_cut_at_semicolon(statement.query))
                if answer is not None:
                    answer.show(max_width=200)
            except duckdb.Error as error:
                self.report_error(error)

    def report_error(self, error: duckdb.Error) -> None:
        """Prints the error and counts it."""
        self.n_failed += 1
        self.write(f"{error}\n")

    def raw_input(self, prompt: str = "") -> str:
        return super().raw_input(("sql> " if prompt != "... " else "...> ") if sys.stdin.isatty() else "")


def _cut_at_semicolon(statement: str) -> str:
    """The statement up to its semicolon: `DuckDBPyConnection.sql` does not accept a comment after it."""
    text = statement.encode()  # tokens are counted in bytes
    ends = [at for at, _ in duckdb.tokenize(statement) if text[at : at + 1] == b";"]
    return text[: ends[0]].decode() if ends else statement


def _is_inside_quotes(source: str) -> bool:
    """Whether the final semicolon is inside a string, a quoted name or a comment that is not closed yet."""
    try:
        duckdb.extract_statements(source)
    except duckdb.ParserException as error:
        return "unterminated" in str(error)
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 where the store or a piped statement is at fault."""
    parser = argparse.ArgumentParser(prog="python -m assets.commands.store", description=__doc__)
    parser.add_argument("what", choices=["sql", "export"])
    settings, given = parse_arguments(parser, arguments)
    store = settings.layout.locate_tables(given.sample)
    try:
        if given.what == "sql":
            return 1 if run_sql_prompt(store) else 0
        for path in export_tables(store, settings.layout.exports / given.sample):
            sys.stdout.write(f"{path}\n")
    except FeatureStoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
