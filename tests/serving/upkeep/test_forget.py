import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from movierec.settings import Settings
from serving.community.database import Database
from serving.community.models import Account, BrowserSession, Profile, Rating, Record, Review, SavedMovie
from serving.community.rate_limits import CHANGES, count_attempt
from serving.upkeep import forget as forgetting
from serving.upkeep.archive import UpkeepError
from serving.upkeep.backup import back_up
from serving.upkeep.forget import count_rows, erase_free_pages, forget_person, iter_files_with

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def add_profile(database, name: str, *, is_guest: bool = False) -> tuple[UUID | None, UUID]:
    """A person who left something in every table; the ids of account and profile."""
    with database.write_transaction() as session:
        account = None if is_guest else Account(name=name, name_key=name.lower(), password="hash", created_at=NOW)
        if account:
            session.add(account)
            session.flush()
        profile = Profile(account_id=account.id if account else None, name=name, created_at=NOW, used_at=NOW)
        session.add(profile)
        session.flush()
        own = {"profile_id": profile.id, "movie_id": 7}
        token = {"token_hash": uuid4().hex, "agent": "Firefox", "created_at": NOW, "seen_at": NOW, "expires_at": FAR}
        session.add(BrowserSession(account_id=profile.account_id, profile_id=profile.id, **token))
        session.add(Rating(rating=4.5, rated_at=NOW, **own))
        session.add(Review(text=f"{name} liked every minute of it", written_at=NOW, **own))
        session.add(SavedMovie(saved_at=NOW, **own))
        count_attempt(session, CHANGES, str(profile.id), now=NOW)
        return profile.account_id, profile.id


@pytest.mark.parametrize("by", ["name", "account", "profile", "guest"])
def test_a_person_goes_from_every_table_and_file_and_others_stay(database, tmp_path, by):
    other = [each for each in add_profile(database, "Boris") if each]
    account_id, profile_id = add_profile(database, "Anna", is_guest=by == "guest")
    ids = tuple(each for each in (account_id, profile_id) if each)
    assert set(count_rows(database, ids)) >= {"profiles", "sessions", "ratings", "reviews", "watchlist", "attempts"}
    if database.file:
        assert database.file in {path.with_name("site.db") for path in iter_files_with(tmp_path, ids)}
    who = {"name": "ANNA", "account": str(account_id), "profile": str(profile_id), "guest": profile_id.hex}[by]
    assert set(forget_person(database, who)) == set(ids)
    erase_free_pages(database)
    assert count_rows(database, ids) == {}
    assert list(iter_files_with(tmp_path, ids)) == []
    left = count_rows(database, tuple(other))
    assert left["ratings"] == left["reviews"] == left["attempts"] == 1
    with database.read_transaction() as session:
        assert session.scalars(select(Profile.name)).all() == ["Boris"]
    database.engine.dispose()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("site.db*"))
    assert b"Anna" not in written
    assert (b"Boris liked every minute" in written) == bool(database.file)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_free_pages_are_not_erased_while_somebody_else_writes(database):
    add_profile(database, "Anna")
    with (
        closing(sqlite3.connect(database.file, isolation_level=None)) as other,
        pytest.raises(UpkeepError, match=r"free pages .* were not erased: database is locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
        erase_free_pages(Database(database.url, wait_seconds=0.1))


def test_every_table_is_searched(database):
    """The ids of a person can be in any column, so a table that is added later is searched too."""
    account_id, profile_id = add_profile(database, "Anna")
    with_ids = set(count_rows(database, (account_id, profile_id)))
    with database.read_transaction() as session:
        filled = {table.name for table in Record.metadata.sorted_tables if session.execute(select(table)).first()}
    assert with_ids == filled


def test_nobody_is_forgotten_by_a_wrong_name(database):
    add_profile(database, "Anna")
    for who in ("Ann", str(uuid4())):
        with pytest.raises(UpkeepError, match="no account"):
            forget_person(database, who)
    assert count_rows(database, ()) == {}
    with database.read_transaction() as session:
        assert session.scalars(select(Account.name)).all() == ["Anna"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_names_what_still_holds_the_person(database, tmp_path, monkeypatch, capsys):
    _, profile_id = add_profile(database, "Anna")
    settings = Settings(home=tmp_path, database_url=SecretStr(""))
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path))
    archive = settings.layout.backups / "old.tar.gz"
    back_up(settings, archive, now=NOW)
    database.engine.dispose()
    (tmp_path / "notes.txt").write_text(f"somebody wrote down {profile_id}")
    assert forgetting.main(["Anna"]) == 1
    said = capsys.readouterr().out
    assert f"left: {tmp_path / 'notes.txt'}" in said
    assert f"made before: {archive}" in said
    assert forgetting.main(["Anna"]) == 1
    assert "nobody was forgotten" in capsys.readouterr().err


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("last_step", "fault"),
    [
        ("forget_person", "the free pages of the database were not erased"),
        ("erase_free_pages", "unable to open database file"),
        ("count_rows", "Permission denied"),
    ],
)
def test_the_command_says_that_a_person_was_forgotten_if_a_later_step_fails(
    database, tmp_path, monkeypatch, capsys, last_step, fault
):
    """The database file is lost, or a file cannot be read, after the step."""
    add_profile(database, "Anna")
    database.engine.dispose()
    monkeypatch.setenv("MOVIEREC_HOME", str(tmp_path))
    run_step = getattr(forgetting, last_step)

    def refuse(*_: object) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    def run_and_spoil(*arguments: object) -> object:
        done = run_step(*arguments)
        if last_step == "count_rows":
            monkeypatch.setattr(forgetting, "iter_files_with", refuse)
        else:
            database.file.unlink()
        return done

    monkeypatch.setattr(forgetting, last_step, run_and_spoil)
    assert forgetting.main(["Anna"]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("Anna was forgotten, but cleaning up and searching for remains failed: ")
    assert fault in told.err
    assert told.out == ""
