"""The site's database, SQLite or PostgreSQL, migrated to the newest schema before its first use."""

import logging
import math
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from movierec.settings import Settings, parse_database_url
from serving.community.engines import (
    create_server_engine,
    create_sqlite_engine,
    create_sqlite_file,
    open_existing_sqlite,
)

log = logging.getLogger(__name__)

MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"
WAIT_SECONDS = 5  # for another writer, or for a server
CHECK_SECONDS = 0.5  # for another writer, while the database is checked
QUICK_CHECK_BYTES = 16_000_000  # larger files are not read through: it would take longer than a blink
MAX_WAITING_WRITERS = 20  # of the 40 threads that answer requests; the others stay free for pages
RETRY_SECONDS = 5  # so long a database that did not answer, or could not be migrated, is not asked again
MIGRATION_LOCK = 7_205_759_403  # of PostgreSQL's advisory locks; any number, the same for every process


class DatabaseUnavailableError(RuntimeError):
    """The database cannot be used now: missing, locked for too long, or not migrated."""


class SkipIfUnavailable:
    """Ends its `with` block if the database is unavailable, and logs `what` was not done. Passes on other errors."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, DatabaseUnavailableError):
            return False
        log.error("%s: %s", self.what, error)
        return True


class WriteQueue:
    """Lets one thread write at a time, and bounds how many wait and how long.

    SQLite has one writer at a time too, but who waits for it in SQLite is not served in turn.
    """

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MAX_WAITING_WRITERS)
        self._turn = threading.Lock()

    @contextmanager
    def wait_for_turn(self, seconds: float) -> Iterator[float]:
        """Waits for at most `seconds`, or one second if the queue is full; yields how many of the `seconds` are left.

        Raises DatabaseUnavailableError.
        """
        end = time.monotonic() + seconds
        if not self._places.acquire(timeout=min(seconds, 1)):
            raise DatabaseUnavailableError("too many are waiting to write")
        try:
            if not self._turn.acquire(timeout=max(0, end - time.monotonic())):
                raise DatabaseUnavailableError("somebody else has been writing for too long")
            try:
                yield max(0, end - time.monotonic())
            finally:
                self._turn.release()
        finally:
            self._places.release()


class Database:
    """Opens transactions. Building it does not connect; the first transaction migrates."""

    def __init__(
        self, url: URL, *, wait_seconds: float = WAIT_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url, self.wait_seconds = url, wait_seconds
        self.file = find_sqlite_file(url)
        self.engine = (
            create_sqlite_engine(self.file, wait_seconds) if self.file else create_server_engine(url, wait_seconds)
        )
        weakref.finalize(self, self.engine.dispose)  # connections are kept open between transactions
        self._writers = WriteQueue()
        self._is_ready = threading.Event()
        self._clock = clock
        self._retry_at = -math.inf
        self._lock = threading.Lock()

    @contextmanager
    def read_transaction(self) -> Iterator[Session]:
        """A transaction for reading. Raises DatabaseUnavailableError."""
        with self._open_transaction(writes=False, wait_seconds=self.wait_seconds) as session:
            yield session

    @contextmanager
    def write_transaction(self, *, wait_seconds: float | None = None) -> Iterator[Session]:
        """A transaction for writing: all of the block is stored, or nothing. Waits its turn, at most `wait_seconds`.

        Raises DatabaseUnavailableError; an IntegrityError is passed on to the caller.
        """
        seconds = self.wait_seconds if wait_seconds is None else wait_seconds
        turn = self._writers.wait_for_turn(seconds) if self.file else nullcontext(seconds)
        with turn as left, self._open_transaction(writes=True, wait_seconds=left) as session:
            yield session

    @contextmanager
    def _open_transaction(self, *, writes: bool, wait_seconds: float) -> Iterator[Session]:
        try:
            self.migrate_once()
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                self._connect(session, writes=writes, wait_seconds=wait_seconds)
                yield session
        except (IntegrityError, DataError):
            raise
        except (SQLAlchemyError, OSError, sqlite3.Error) as error:
            raise DatabaseUnavailableError(f"{self.url.render_as_string()}: {error}") from error

    def _connect(self, session: Session, *, writes: bool, wait_seconds: float) -> None:
        try:
            session.connection(execution_options={"writes": writes, "wait_seconds": wait_seconds})
        except SQLAlchemyError:
            if self.file is None:  # a file answers at once; for a server that does not, every page would wait
                self._retry_at = self._clock() + RETRY_SECONDS
            raise

    def find_fault(self) -> str | None:
        """Why nothing can be stored now, in words for everybody; None if it can. Takes a second or two at most."""
        try:
            self.migrate_once()
            if self.file is None:
                with self.read_transaction() as session:
                    session.execute(text("SELECT 1"))
            else:
                check_sqlite_file(self.file)
        except (DatabaseUnavailableError, SQLAlchemyError, OSError, sqlite3.Error) as error:
            log.error("the database cannot be used: %s", error)  # noqa: TRY400  the cause is in the message
            return describe_fault(self.file, error)
        return None

    def migrate_once(self) -> None:
        """Migrates once in the life of a process; processes that start together wait for each other."""
        self._raise_if_just_failed()
        if self._is_ready.is_set():
            return
        with self._lock:
            if self._is_ready.is_set():
                return
            self._raise_if_just_failed()
            try:
                self._migrate()
            except BaseException:
                self._retry_at = self._clock() + RETRY_SECONDS
                raise
            self._is_ready.set()

    def _raise_if_just_failed(self) -> None:
        if self._clock() < self._retry_at:
            raise DatabaseUnavailableError(f"{self.url.render_as_string()} did not answer a moment ago")

    def _migrate(self) -> None:
        if self.file is not None:
            create_sqlite_file(self.file, self.wait_seconds)
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            if self.file is None:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            command.upgrade(build_alembic_config(connection), "head")


def check_sqlite_file(file: Path) -> None:
    """Raises sqlite3.Error or OSError if the file is missing, locked or damaged. Uses a connection of its own.

    The connections in use may not notice: they keep pages in memory. The file is opened by SQLite only: if a process
    closes it in any other way, the system drops all locks that the process has on it.
    """
    size = file.stat().st_size
    with closing(open_existing_sqlite(file, CHECK_SECONDS)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
        check = f"PRAGMA {'quick_check' if size < QUICK_CHECK_BYTES else 'schema_version'}"
        (found,) = connection.execute(check).fetchone()
        if isinstance(found, str) and found != "ok":
            raise sqlite3.DatabaseError(f"database disk image is malformed: {found}")


def describe_fault(file: Path | None, error: Exception) -> str:
    """What is wrong with the database, in words for everybody: without its place."""
    said = str(error)
    if file is not None and not file.exists():
        return "the site's database is missing"
    if "locked" in said:
        return "the site's database is locked by somebody else"
    if "malformed" in said or "not a database" in said:
        return "the site's database is damaged"
    return "the site's database does not answer" if file is None else "the site's database cannot be used"


def build_database_url(settings: Settings) -> URL:
    """The database that the settings name, or SQLite under `home`."""
    url = settings.database_url.get_secret_value()
    return parse_database_url(url) if url else URL.create("sqlite", database=str(settings.layout.site_database))


def find_sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database, None for PostgreSQL."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def build_alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, for this connection if there is one."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
