"""SQLAlchemy engines for SQLite and PostgreSQL whose waits are bounded and whose errors repeat no stored values."""

import os
import socket
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from serving.community.private_files import create_private_file, restrict_to_owner

SIDE_FILES = ("-wal", "-shm")  # what SQLite appends to the name of the database for its files beside it
PING_SECONDS = 2  # for a server to say that it is there


def create_sqlite_engine(file: Path, wait_seconds: float) -> Engine:
    """An engine that connects only to an existing file, and drops connections if the file was replaced.

    Otherwise writes could go to a deleted file and be lost.
    """

    def connect() -> sqlite3.Connection:
        connection = open_existing_sqlite(file, wait_seconds, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1, hide_parameters=True)
    event.listen(engine, "handle_error", drop_stored_values)

    @event.listens_for(engine, "connect")
    def opened(_connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        entry.info["file"] = _get_file_identity(file)

    @event.listens_for(engine, "checkout")
    def about_to_be_used(_connection: sqlite3.Connection, entry: ConnectionPoolEntry, _proxy: object) -> None:
        if entry.info["file"] != _get_file_identity(file):
            raise DisconnectionError(f"{file} is another file than before")  # a new connection is made then

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Who will write asks for the lock at once: a reader that starts to write could be refused without a wait.
        options = connection.get_execution_options()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(options.get('wait_seconds', wait_seconds) * 1000)}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return engine


def open_existing_sqlite(file: Path, timeout: float, **options: Any) -> sqlite3.Connection:
    """Connects to a SQLite database, and does not create one. Raises sqlite3.OperationalError if there is no file.

    `timeout` is how many seconds to wait for others; `options` are those of `sqlite3.connect`.
    """
    address = f"file:{quote(str(file))}?mode=rw"
    connection: sqlite3.Connection = sqlite3.connect(address, uri=True, timeout=timeout, **options)
    return connection


def create_sqlite_file(file: Path, wait_seconds: float) -> None:
    """Creates an empty database in WAL mode if there is none. Only its owner may read it, nor the files beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # what exists is opened by SQLite only: to close it here would drop its locks
        create_private_file(file)
    for each in (file, *(file.with_name(f"{file.name}{part}") for part in SIDE_FILES)):
        if each.exists():
            restrict_to_owner(each)  # SQLite gives what it makes later the mode of the database
    connection = sqlite3.connect(file, timeout=wait_seconds)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _get_file_identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def create_server_engine(url: URL, wait_seconds: float) -> Engine:
    """An engine for PostgreSQL. No transaction takes longer than twice `wait_seconds`, even if the server is frozen.

    The time-outs of the server do not help then, so the connection is cut on this side.
    """
    milliseconds = int(wait_seconds * 1000)
    arguments: dict[str, Any] = {
        "connect_timeout": max(2, int(min(wait_seconds, 3))),
        "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c timezone=UTC",
    }
    engine = create_engine(url, pool_timeout=wait_seconds, connect_args=arguments, hide_parameters=True)
    event.listen(engine, "handle_error", drop_stored_values)
    watch = ConnectionWatch()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, _entry: object, _proxy: object) -> None:
        watch.start(connection, min(PING_SECONDS, wait_seconds))
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except Exception as error:
            watch.stop(connection)
            raise InvalidatePoolError from error  # a new connection is made then; all others are as old
        watch.start(connection, 2 * wait_seconds)

    @event.listens_for(engine, "checkin")
    def given_back(connection: Any, _entry: object) -> None:
        watch.stop(connection)

    return engine


class ConnectionWatch:
    """Cuts the network connection of those that are used for too long, which ends what waits for their answer."""

    LOOK_EVERY = 0.25  # seconds

    def __init__(self) -> None:
        self._ends: dict[int, tuple[float, Any]] = {}
        self._lock = threading.Lock()
        self._is_watching = False

    def start(self, connection: Any, seconds: float) -> None:
        """The connection may be used for so many seconds from now."""
        with self._lock:
            self._ends[id(connection)] = (time.monotonic() + seconds, connection)
            if not self._is_watching:
                self._is_watching = True
                threading.Thread(target=self._watch, name="connection-watch", daemon=True).start()

    def stop(self, connection: Any) -> None:
        """The connection is used no longer."""
        with self._lock:
            self._ends.pop(id(connection), None)

    def _watch(self) -> None:
        while True:
            time.sleep(self.LOOK_EVERY)
            with self._lock:
                now = time.monotonic()
                for key, (end, connection) in list(self._ends.items()):
                    if now >= end:
                        del self._ends[key]
                        _cut(connection)
                if not self._ends:
                    self._is_watching = False
                    return


def _cut(connection: Any) -> None:
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)


def drop_stored_values(context: ExceptionContext) -> None:
    """Keeps the first line of the database's message. What follows quotes rows: names, hashes, reviews."""
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    lines = str(original).splitlines()
    original.args = (lines[0] if lines else type(original).__name__,)
    if wrapped is not None:
        wrapped.args = (f"({type(original).__module__}.{type(original).__name__}) {original.args[0]}",)
