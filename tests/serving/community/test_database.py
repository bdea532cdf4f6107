"""The site's database: its tables, its migrations, and what happens when it is not there."""

import sqlite3
import stat
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from movierec.settings import Settings
from serving.community import database as databases
from serving.community.cookies import read_or_create_secrets
from serving.community.database import (
    RETRY_SECONDS,
    Database,
    DatabaseUnavailableError,
    WriteQueue,
    build_alembic_config,
    build_database_url,
)
from serving.community.models import MOVIE_RECORDS, Profile, Rating, Record
from serving.community.sessions import insert_guest
from tests import postgres
from tests.serving.conftest import wait_until_true
from tests.serving.visits import Clock

NOW = Clock().time
PREPARE = """
import sys
from movierec.settings import Settings
from serving.community.database import Database, build_database_url
Database(build_database_url(Settings(database_url=sys.argv[1]))).migrate_once()
"""


def test_migrations_make_the_tables_of_the_records(database: Database) -> None:
    database.migrate_once()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Record.metadata) == []


def test_alembic_finds_nothing_to_migrate(database: Database) -> None:
    database.migrate_once()
    with database.engine.connect() as connection:
        command.check(build_alembic_config(connection))


def test_migrations_can_be_taken_back(database: Database) -> None:
    database.migrate_once()
    with database.engine.connect() as connection, connection.begin():
        command.downgrade(build_alembic_config(connection), "base")
    with database.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}


def test_there_is_one_newest_migration(database: Database) -> None:
    with database.engine.connect() if database.file is None else sqlite_there(database).engine.connect() as connection:
        assert len(ScriptDirectory.from_config(build_alembic_config(connection)).get_heads()) == 1


def sqlite_there(database: Database) -> Database:
    database.migrate_once()
    return database


def test_processes_that_start_together_migrate_once(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    started = [subprocess.Popen([sys.executable, "-c", PREPARE, url]) for _ in range(4)]
    assert [process.wait() for process in started] == [0] * 4
    with database.read_transaction() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_what_is_written_in_one_block_is_kept_or_not_as_a_whole(database: Database) -> None:
    def fails() -> None:
        with database.write_transaction() as session:
            insert_guest(session, agent="", now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with database.read_transaction() as session:
        assert session.query(Profile).count() == 0


@pytest.mark.parametrize("rating", [0, 0.25, 5.5, 4.7, -1])
def test_the_database_itself_keeps_half_stars_only(database: Database, rating: float) -> None:
    def keep() -> None:
        with database.write_transaction() as session:
            profile, _ = insert_guest(session, agent="", now=NOW)
            session.add(Rating(profile_id=profile.id, movie_id=1, rating=rating, rated_at=NOW))

    with pytest.raises(IntegrityError):
        keep()


def test_moments_come_back_in_utc(database: Database) -> None:
    with database.write_transaction() as session:
        insert_guest(session, agent="", now=NOW)
    with database.read_transaction() as session:
        assert session.query(Profile).one().created_at == NOW


def test_what_a_profile_left_goes_with_it(database: Database) -> None:
    with database.write_transaction() as session:
        profile, _ = insert_guest(session, agent="", now=NOW)
        session.add(Rating(profile_id=profile.id, movie_id=1, rating=4, rated_at=NOW))
        session.flush()
        session.delete(profile)
    with database.read_transaction() as session:
        assert [session.query(record).count() for record in MOVIE_RECORDS] == [0, 0, 0, 0]


def test_sqlite_lets_readers_go_on_while_somebody_writes(tmp_path: Path) -> None:
    database = Database(build_database_url(Settings(home=tmp_path)), wait_seconds=0.2)
    with database.write_transaction() as session:
        insert_guest(session, agent="", now=NOW)
        session.flush()
        with database.read_transaction() as reader:
            assert reader.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert reader.query(Profile).count() == 0


def test_a_locked_database_is_unavailable_not_waited_for_forever(tmp_path: Path) -> None:
    database = Database(build_database_url(Settings(home=tmp_path)), wait_seconds=0.05)
    database.migrate_once()
    other = sqlite3.connect(tmp_path / "site" / "site.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError, match="locked"), database.write_transaction():
        pass
    other.close()


def test_nothing_is_written_to_a_file_that_was_deleted(tmp_path: Path) -> None:
    database = Database(build_database_url(Settings(home=tmp_path)))
    database.migrate_once()
    (tmp_path / "site" / "site.db").unlink()
    with pytest.raises(DatabaseUnavailableError, match="unable to open"), database.write_transaction():
        pass


def test_a_backup_that_took_the_place_of_the_file_is_written_to(tmp_path: Path) -> None:
    database = Database(build_database_url(Settings(home=tmp_path)))
    database.migrate_once()
    folder, backup = tmp_path / "site", tmp_path / "backup.db"
    with closing(sqlite3.connect(folder / "site.db")) as file, closing(sqlite3.connect(backup)) as copy:
        file.backup(copy)
    for path in folder.glob("site.db*"):
        path.unlink()
    backup.rename(folder / "site.db")
    with database.write_transaction() as session:
        insert_guest(session, agent="", now=NOW)
    with closing(sqlite3.connect(folder / "site.db")) as file:
        assert file.execute("SELECT count(*) FROM profiles").fetchone() == (1,)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.db").write_text("a diary " * 1000)
    with (
        pytest.raises(DatabaseUnavailableError, match="not a database"),
        Database(build_database_url(Settings(home=tmp_path))).read_transaction(),
    ):
        pass


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    database = Database(build_database_url(Settings(database_url=f"postgresql://site@/postgres?host={tmp_path}")))
    with pytest.raises(DatabaseUnavailableError), database.read_transaction():
        pass


def test_a_server_that_went_away_is_waited_for_by_one_request_not_by_all(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    url = build_database_url(Settings(database_url=postgres_url))
    database = Database(url, wait_seconds=0.2, clock=lambda: now[0])
    database.migrate_once()
    asked: list[object] = []

    def nobody_answers(*_: object, **__: object) -> None:
        asked.append(1)
        raise OperationalError("connect", None, TimeoutError())

    monkeypatch.setattr(Session, "connection", nobody_answers)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailableError), database.read_transaction():
            pass
    assert len(asked) == 1
    monkeypatch.undo()
    with pytest.raises(DatabaseUnavailableError, match="a moment ago"), database.read_transaction():
        pass
    now[0] += RETRY_SECONDS
    with database.read_transaction() as session:
        assert session.execute(text("SELECT 1")).scalar() == 1


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "site" / "secret"
    first = read_or_create_secrets(file)
    assert read_or_create_secrets(file) == first
    assert [len(secret) >= 48 for secret in first] == [True]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_writers_that_wait_leave_threads_to_the_pages(tmp_path: Path) -> None:
    """Another program holds the file's lock; 60 threads want to write."""
    database = Database(build_database_url(Settings(home=tmp_path)), wait_seconds=2)
    database.migrate_once()
    other = sqlite3.connect(tmp_path / "site" / "site.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def write() -> float:
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailableError), database.write_transaction():
            pass
        return time.monotonic() - started

    with ThreadPoolExecutor(60) as threads:
        waits = sorted(threads.map(lambda _: write(), range(60)))
    other.close()
    assert waits[39] < 1.8, "all but 20 give up after a second"
    assert waits[-1] < 3


def test_writers_of_one_process_take_turns(tmp_path: Path) -> None:
    database = Database(build_database_url(Settings(home=tmp_path)), wait_seconds=20)

    def write(_: int) -> None:
        with database.write_transaction() as session:
            session.execute(text("SELECT 1"))
            time.sleep(0.02)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(write, range(40)))


def test_the_wait_for_a_place_counts_as_part_of_the_wait_for_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of the test: a place comes free after 0.8 seconds, the turn never."""
    now, asked = [100.0], []

    class Place:
        def acquire(self, *, timeout: float) -> bool:
            asked.append(timeout)
            now[0] += 0.8
            return True

        def release(self) -> None:
            asked.append(0)

    class Turn:
        def acquire(self, *, timeout: float) -> bool:
            asked.append(timeout)
            return False

    monkeypatch.setattr(databases, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(databases, "threading", SimpleNamespace(BoundedSemaphore=lambda _: Place(), Lock=Turn))
    with pytest.raises(DatabaseUnavailableError, match="writing for too long"), WriteQueue().wait_for_turn(1):
        pass
    assert asked == [1, pytest.approx(0.2), 0]  # the place is given back


def test_a_page_does_not_wait_to_prolong_a_session(tmp_path: Path) -> None:
    database = Database(build_database_url(Settings(home=tmp_path)), wait_seconds=5)
    database.migrate_once()
    other = sqlite3.connect(tmp_path / "site" / "site.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(DatabaseUnavailableError), database.write_transaction(wait_seconds=0.1):
        pass
    assert time.monotonic() - started < 2
    other.close()


def test_only_the_owner_may_read_the_database_and_what_lies_beside_it(tmp_path: Path) -> None:
    """Also one that an earlier version of the site made readable for all."""
    file = tmp_path / "site" / "site.db"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    file.chmod(0o644)
    database = Database(build_database_url(Settings(home=tmp_path)))
    with database.write_transaction() as session:
        insert_guest(session, agent="", now=Clock()())
        found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
    assert {"site.db", "site.db-wal"} <= found.keys()
    assert set(found.values()) == {0o600}


@pytest.mark.parametrize("statement", ["INSERT", "UPDATE"])
def test_errors_quote_no_stored_values(database: Database, statement: str) -> None:
    """Neither parameters nor the rows that PostgreSQL quotes."""
    with database.write_transaction() as session:
        profile, _ = insert_guest(session, agent="", now=Clock()())
        profile.name = "Margaret"
    values = "INSERT INTO profiles (id, name, colour, created_at) VALUES (:id, :name, 0, :at)"
    with pytest.raises(IntegrityError) as caught, database.write_transaction() as session:
        named = {"id": "c0ffee00-0000-4000-8000-000000000000", "name": "Margaret", "at": Clock()()}
        session.execute(text(values if statement == "INSERT" else "UPDATE profiles SET colour = NULL"), named)
    told = "".join(traceback.format_exception(caught.value))
    assert "Margaret" not in told
    assert "colour" in told or "used_at" in told


@contextmanager
def freeze_server(folder: Path) -> Iterator[None]:
    """All processes of the server are stopped, so that it neither answers nor refuses."""
    server = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
    processes = [server, *server.children(recursive=True)]

    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@pytest.fixture
def short_lived_server() -> Iterator[tuple[Database, Path]]:
    programs = postgres.find_binaries()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed")
    with postgres.run_server(programs) as url:
        database = Database(build_database_url(Settings(database_url=url)), wait_seconds=2)
        database.migrate_once()
        yield database, Path(url.partition("host=")[2])
        database.engine.dispose()


def test_a_frozen_server_holds_up_a_page_for_seconds_only(short_lived_server: tuple[Database, Path]) -> None:
    database, folder = short_lived_server
    waits = []
    with freeze_server(folder):
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailableError), database.read_transaction():
                pass
            waits.append(time.monotonic() - started)
        assert database.find_fault() == "the site's database does not answer"
    assert waits[0] < 10
    assert waits[1] < 1, "the next one is not kept waiting"
    assert wait_until_true(lambda: database.find_fault() is None)


def test_a_server_that_freezes_in_a_transaction_does_not_hold_it_for_ever(
    short_lived_server: tuple[Database, Path],
) -> None:
    database, folder = short_lived_server
    with pytest.raises(DatabaseUnavailableError), database.read_transaction() as session, freeze_server(folder):
        started = time.monotonic()
        try:
            session.execute(text("SELECT 1"))
        finally:
            assert time.monotonic() - started < 10


def test_the_check_of_a_file_does_not_drop_the_locks_of_the_process(tmp_path: Path) -> None:
    """The system drops all locks of a process on a file when the process closes it in any way.

    Another program that closes the database would then take itself for the last one, and delete the WAL.
    """
    database = Database(build_database_url(Settings(home=tmp_path)), wait_seconds=1)
    with database.write_transaction() as session:
        insert_guest(session, agent="", now=Clock()())
    assert database.find_fault() is None
    with Database(database.url).read_transaction() as session:
        assert session.query(Profile).count() == 1
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM profiles').fetchall()"
    subprocess.run([sys.executable, "-c", program, str(database.file)], check=True)
    assert (tmp_path / "site" / "site.db-wal").exists()
    with database.write_transaction() as session:
        assert session.query(Profile).count() == 1


def test_a_secret_of_somebody_else_is_used_and_the_log_says_who_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "secret"
    file.write_text("a-secret-of-sixteen-letters")
    file.chmod(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    assert read_or_create_secrets(file) == ["a-secret-of-sixteen-letters"]
    assert f"others can read {file}" in caplog.text
