"""TMDB's answers stored in SQLite, so that an interrupted crawl can continue."""

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
    """A stored answer. `body` is None if TMDB has no such movie; `fetched_at` is UTC without a time zone."""

    request_key: str
    fetched_at: datetime
    body: Mapping[str, Any] | None


class AnswerCache:
    """Stored answers by request key. Each is written to disk at once."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def store_answer(self, request_key: str, body: Mapping[str, Any] | None, now: datetime) -> None:
        """Stores an answer and replaces an older one for the same request key."""
        packed = None if body is None else zlib.compress(json.dumps(body, ensure_ascii=False).encode())
        with self._database:
            self._database.execute(
                "REPLACE INTO answers VALUES (?, ?, ?)", (request_key, _to_epoch_seconds(now), packed)
            )

    def list_fetched_since(self, moment: datetime) -> set[str]:
        """The request keys of all answers fetched at or after `moment`."""
        query = "SELECT asked FROM answers WHERE fetched_at >= ?"
        return {asked for (asked,) in self._database.execute(query, (_to_epoch_seconds(moment),))}

    def iter_answers(self, request_keys: Iterable[str]) -> Iterator[TmdbAnswer]:
        """Yields the stored answers in the order of `request_keys`; keys without an answer are skipped."""
        for each in request_keys:
            row = self._database.execute("SELECT fetched_at, body FROM answers WHERE asked = ?", (each,)).fetchone()
            if row is not None:
                body = None if row[1] is None else json.loads(zlib.decompress(row[1]))
                yield TmdbAnswer(each, datetime.fromtimestamp(row[0], UTC).replace(tzinfo=None), body)

    def delete_before(self, moment: datetime) -> int:
        """Deletes answers fetched before `moment`; gives the number of deleted answers."""
        with self._database:
            return self._database.execute(
                "DELETE FROM answers WHERE fetched_at < ?", (_to_epoch_seconds(moment),)
            ).rowcount


@contextmanager
def open_answer_cache(path: Path) -> Iterator[AnswerCache]:
    """Opens the file of answers, and creates it if it does not exist."""
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
