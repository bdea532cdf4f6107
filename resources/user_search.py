"""Finds and deletes the rows of one user of the data set in files: Parquet, CSV, SQLite, and arrays of user ids."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl

from movierec.bundles.atomic_write import atomic_write

ID_COLUMNS = ("user_id", "userId")
ID_ARRAYS = "user_ids.npy"
SQLITE_ENDINGS = {".db", ".sqlite"}
TABLE_ENDINGS = {".parquet", ".csv"}


def iter_files_of_user(folder: Path, user_id: int) -> Iterator[Path]:
    """Files below the folder with a row of the user, or with the id in an array of user ids.

    Other files (factors, trees, manifests, measurements) hold no ids of users.
    """
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in sorted(names)):
            if path.is_file() and holds_user(path, user_id):
                yield path


def holds_user(path: Path, user_id: int) -> bool:
    """Whether the file has a row or an entry of the user."""
    if path.name == ID_ARRAYS:
        return bool((np.load(path, mmap_mode="r") == user_id).any())
    if path.suffix in SQLITE_ENDINGS:
        return any(n_rows for _, _, n_rows in _count_sqlite_rows(path, user_id))
    frame, column = _scan_table(path)
    return column is not None and not frame.filter(_is_user(column, user_id)).head(1).collect().is_empty()


def delete_rows_of_user(path: Path, user_id: int) -> bool:
    """Writes the table again without the rows of the user; False for a file that is no table, such as an array."""
    if path.suffix in SQLITE_ENDINGS:
        _delete_sqlite_rows(path, user_id)
        return True
    frame, column = _scan_table(path)
    if column is None:
        return False
    kept = frame.filter(~_is_user(column, user_id))
    with atomic_write(path) as part:
        if path.suffix == ".csv":
            kept.sink_csv(part)
        else:
            kept.sink_parquet(part)
    return True


def _scan_table(path: Path) -> tuple[pl.LazyFrame, str | None]:
    """The table and the name of its column with ids of users; None without such a column, or if it is no table."""
    if path.suffix not in TABLE_ENDINGS or not path.stat().st_size:
        return pl.LazyFrame(), None
    frame = pl.scan_csv(path, infer_schema_length=0) if path.suffix == ".csv" else pl.scan_parquet(path)
    return frame, next((name for name in ID_COLUMNS if name in frame.collect_schema()), None)


def _is_user(column: str, user_id: int) -> pl.Expr:
    """Whether a row is of the user; a CSV file is read as text. Null ids are of nobody."""
    return (pl.col(column).cast(pl.Int64, strict=False) == user_id).fill_null(False)


def _count_sqlite_rows(path: Path, user_id: int) -> list[tuple[str, str, int]]:
    """`(table, column, rows of the user)` of every table with a column of user ids."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [
            (table, each[1])
            for table in tables
            for each in database.execute(f'PRAGMA table_info("{table}")')
            if each[1] in ID_COLUMNS
        ]
        count = 'SELECT count(*) FROM "{}" WHERE "{}" = ?'
        return [(*each, database.execute(count.format(*each), (user_id,)).fetchone()[0]) for each in columns]


def _delete_sqlite_rows(path: Path, user_id: int) -> None:
    found = _count_sqlite_rows(path, user_id)
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete = ON")
        database.execute("BEGIN IMMEDIATE")
        for table, column, _ in found:
            database.execute(f'DELETE FROM "{table}" WHERE "{column}" = ?', (user_id,))  # noqa: S608
        database.execute("COMMIT")
        database.execute("VACUUM")
