import sqlite3
from contextlib import closing

import numpy as np
import polars as pl
import pytest

from resources.user_search import delete_rows_of_user, iter_files_of_user

ROWS = pl.DataFrame({"user_id": [7, 8, 7], "rating": [1.0, 2.0, 3.0]})


@pytest.fixture
def folder(tmp_path):
    """Files of every kind, three of which hold no user 7."""
    ROWS.write_parquet(tmp_path / "ratings.parquet")
    ROWS.rename({"user_id": "userId"}).write_csv(tmp_path / "ratings.csv")
    np.save(tmp_path / "user_ids.npy", np.array([6, 7], dtype=np.int32))
    np.save(tmp_path / "movie_ids.npy", np.array([7], dtype=np.int32))
    ROWS.filter(pl.col("user_id") == 8).write_parquet(tmp_path / "others.parquet")
    (tmp_path / "config.json").write_text('{"seed": 7}')
    (tmp_path / "empty.csv").touch()
    with closing(sqlite3.connect(tmp_path / "export.db")) as database:
        database.execute("CREATE TABLE users (user_id integer)")
        database.execute("CREATE TABLE movies (movie_id integer)")
        database.executemany("INSERT INTO users VALUES (?)", [(7,), (8,)])
        database.execute("INSERT INTO movies VALUES (7)")
        database.commit()
    return tmp_path


def test_a_user_is_found_where_there_are_rows_and_nowhere_else(folder):
    assert {path.name for path in iter_files_of_user(folder, 7)} == {
        "ratings.parquet",
        "ratings.csv",
        "user_ids.npy",
        "export.db",
    }
    assert list(iter_files_of_user(folder, 9)) == []


def test_rows_of_the_user_are_deleted_and_those_of_others_stay(folder):
    assert {path.name for path in list(iter_files_of_user(folder, 7)) if not delete_rows_of_user(path, 7)} == {
        "user_ids.npy"
    }
    assert {path.name for path in iter_files_of_user(folder, 7)} == {"user_ids.npy"}
    assert pl.read_parquet(folder / "ratings.parquet").rows() == [(8, 2.0)]
    assert (folder / "ratings.csv").read_text() == "userId,rating\n8,2.0\n"
    with closing(sqlite3.connect(folder / "export.db")) as database:
        assert database.execute("SELECT * FROM users").fetchall() == [(8,)]
        assert database.execute("SELECT * FROM movies").fetchall() == [(7,)]
