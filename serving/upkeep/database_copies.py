"""Copies of the site's database, made and put back while others use it: SQLite's backup, pg_dump and pg_restore."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL

from serving.community.engines import SIDE_FILES, open_existing_sqlite
from serving.community.models import Record
from serving.upkeep.archive import UpkeepError

REVISION_TABLE = "alembic_version"
TABLES = [table.name for table in Record.metadata.sorted_tables]


def copy_sqlite(source: Path, target: Path) -> None:
    """Writes a consistent copy of a database that may be in use, as one file. Raises UpkeepError if it is damaged."""
    try:
        with (
            closing(open_existing_sqlite(source, 30)) as database,
            closing(sqlite3.connect(target)) as copy,
        ):
            database.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise UpkeepError(f"{source} cannot be copied: {error}") from error
    check_sqlite_copy(target)


def check_sqlite_copy(file: Path) -> None:
    """Reads the whole database. Raises UpkeepError if anything in it is damaged."""
    try:
        with closing(sqlite3.connect(file)) as database:
            faults = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
            faults += [f"a row of {row[0]} belongs to nothing" for row in database.execute("PRAGMA foreign_key_check")]
    except sqlite3.Error as error:
        faults = [str(error)]
    if faults:
        raise UpkeepError(f"the database is damaged: {faults[0]}")


def close_sqlite(file: Path) -> None:
    """Takes the files beside a database into it. Raises UpkeepError if a process, such as the site, has it open."""
    try:
        with closing(open_existing_sqlite(file, 2)) as database:
            database.execute("PRAGMA journal_mode = DELETE")  # which SQLite refuses while others have it open
    except sqlite3.OperationalError as error:
        raise UpkeepError(f"{file} is in use: stop the site first ({error})") from error
    except sqlite3.DatabaseError:  # damaged: the files beside it belong to it and would spoil the next one
        for part in SIDE_FILES:
            file.with_name(f"{file.name}{part}").unlink(missing_ok=True)


def dump_postgres(url: URL, target: Path) -> None:
    """Writes the site's tables, all as of one moment, in the format of pg_restore."""
    tables = [f"--table=public.{name}" for name in (*TABLES, REVISION_TABLE)]
    _run_client("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", *tables, f"--file={target}")


def restore_postgres(url: URL, dump: Path) -> None:
    """Replaces the site's tables by those of the dump in one transaction: all of them, or nothing."""
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run_client("pg_restore", url, *options, str(dump))


def check_postgres_dump(dump: Path) -> None:
    """Raises UpkeepError if pg_restore cannot read the dump."""
    _run("pg_restore", ["--list", str(dump)], {})


def _run_client(program: str, url: URL, *options: str) -> None:
    named = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    password = {"PGPASSWORD": str(url.password)} if url.password else {}  # not an argument, which others can see
    _run(program, [f"--dbname={named.render_as_string()}", *options], password)


def _run(program: str, arguments: list[str], variables: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            [program, *arguments], env=os.environ | variables, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise UpkeepError(f"{program} is not installed; it comes with PostgreSQL's client programs") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error:" in line] or ["it did not say why"]
        raise UpkeepError(f"{program} failed: {said[0]}")


def describe_database(url: URL) -> tuple[str | None, dict[str, int]]:
    """The revision of the schema, None without one, and how many rows each table of the site has."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return _describe(connection)
    finally:
        engine.dispose()


def _describe(connection: Connection) -> tuple[str | None, dict[str, int]]:
    there = set(inspect(connection).get_table_names())
    revision = connection.scalar(text(f"SELECT version_num FROM {REVISION_TABLE}")) if REVISION_TABLE in there else None  # noqa: S608
    counts = {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in TABLES if name in there}  # noqa: S608
    return revision, counts
