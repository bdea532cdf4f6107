"""What TMDB answered, kept on disk: a killed crawl goes on where it stopped."""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

REFRESH_AFTER = timedelta(days=150)
DELETE_AFTER = timedelta(days=180)  # TMDB lets nothing be kept longer than six months

CREATE_TABLE = "CREATE TABLE IF NOT EXISTS answers (asked TEXT PRIMARY KEY, fetched_at INTEGER NOT NULL, body BLOB)"


class TmdbAnswer(NamedTuple):
    """`body` is None where TMDB has no such movie; `fetched_at` is UTC without a zone."""

    request_key: str
    fetched_at: datetime
    body: Mapping[str, Any] | None


class AnswerCache:
    """Answers by what was asked for, each on disk as soon as it is put."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def store_answer(self, request_key: str, body: Mapping[str, Any] | None, now: datetime) -> None:
        packed = None if body is None else zlib.compress(json.dumps(body, ensure_ascii=False).encode())
        with self._database:
            self._database.execute(
                "REPLACE INTO answers VALUES (?, ?, ?)", (request_key, _to_epoch_seconds(now), packed)
            )

    def list_fetched_since(self, moment: datetime) -> set[str]:
        """What was asked for since then."""
        query = "SELECT asked FROM answers WHERE fetched_at >= ?"
        return {asked for (asked,) in self._database.execute(query, (_to_epoch_seconds(moment),))}

    def iter_answers(self, request_keys: Iterable[str]) -> Iterator[TmdbAnswer]:
        """The answers that are there, in the order of `asked`."""
        for each in request_keys:
            row = self._database.execute("SELECT fetched_at, body FROM answers WHERE asked = ?", (each,)).fetchone()
            if row is not None:
                body = None if row[1] is None else json.loads(zlib.decompress(row[1]))
                yield TmdbAnswer(each, datetime.fromtimestamp(row[0], UTC).replace(tzinfo=None), body)

    def delete_before(self, moment: datetime) -> int:
        """Deletes older answers; gives how many."""
        with self._database:
            return self._database.execute(
                "DELETE FROM answers WHERE fetched_at < ?", (_to_epoch_seconds(moment),)
            ).rowcount


@contextmanager
def open_answer_cache(path: Path) -> Iterator[AnswerCache]:
    """The answers in a file, which is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, timeout=30)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(CREATE_TABLE)
        yield AnswerCache(database)
    finally:
        database.close()


def _to_epoch_seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())
