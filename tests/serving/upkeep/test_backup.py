import json
import shutil
import sqlite3
import tarfile
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text

from movierec.settings import Settings
from serving.community.database import Database, build_database_url
from serving.community.models import Account, Profile, Rating
from serving.upkeep import restore as restoring
from serving.upkeep.archive import UpkeepError, extract_archive
from serving.upkeep.backup import back_up, main
from serving.upkeep.restore import restore
from tests.factories import publish_small_home

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    """A site whose home has a secret and a logo; its database is of each kind."""
    url = "" if database.file else database.url.render_as_string(hide_password=False)
    found = Settings(home=tmp_path, database_url=SecretStr(url))
    found.layout.site_secret.parent.mkdir(exist_ok=True)
    found.layout.site_secret.write_text("a secret that signs cookies")
    found.layout.tmdb_logo.write_text("<svg/>")
    return found


def add_person(database: Database, name: str, n_ratings: int = 3) -> None:
    with database.write_transaction() as session:
        account = Account(name=name, name_key=name, password="hash", created_at=NOW)
        session.add(account)
        session.flush()
        profile = Profile(account_id=account.id, name=name, created_at=NOW, used_at=NOW)
        session.add(profile)
        session.flush()
        for movie_id in range(n_ratings):
            session.add(Rating(profile_id=profile.id, movie_id=movie_id, rating=4.5, rated_at=NOW))


def list_people(database: Database) -> list[str]:
    with database.read_transaction() as session:
        return list(session.scalars(select(Account.name).order_by(Account.name)))


def count_ratings(database: Database) -> int:
    with database.read_transaction() as session:
        return session.scalar(select(func.count()).select_from(Rating)) or 0


def destroy(settings: Settings, database: Database) -> None:
    if database.file is None:
        with database.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    database.engine.dispose()
    shutil.rmtree(settings.layout.site_secret.parent)


def reopen(settings: Settings) -> Database:
    return Database(build_database_url(settings), wait_seconds=0.5)


def test_what_was_destroyed_is_restored(settings, database, tmp_path):
    add_person(database, "anna")
    archive = tmp_path / "backup.tar.gz"
    manifest = back_up(settings, archive, now=NOW)
    assert manifest["rows"] | {"accounts": 1, "ratings": 3, "reviews": 0} == manifest["rows"]
    assert archive.stat().st_mode & 0o777 == 0o600
    destroy(settings, database)
    restore(settings, archive, now=LATER)
    again = reopen(settings)
    assert (list_people(again), count_ratings(again)) == (["anna"], 3)
    add_person(again, "boris")
    assert settings.layout.site_secret.read_text() == "a secret that signs cookies"
    assert settings.layout.site_secret.stat().st_mode & 0o777 == 0o600
    assert settings.layout.tmdb_logo.read_text() == "<svg/>"
    assert not list(tmp_path.glob(".restore*"))
    again.engine.dispose()


def test_a_backup_of_a_site_at_work_is_of_one_moment(settings, database, tmp_path):
    """Somebody writes an account with three ratings, again and again: no backup has an account without its ratings."""
    add_person(database, "first")
    is_over = threading.Event()

    def write() -> None:
        n = 0
        while not is_over.is_set():
            n += 1
            add_person(database, f"person{n}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        rows = [back_up(settings, tmp_path / f"{n}.tar.gz", now=NOW)["rows"] for n in range(3)]
    finally:
        is_over.set()
        writer.join()
    if database.file:  # of PostgreSQL the counts are taken after the dump
        assert all(each["ratings"] == 3 * each["accounts"] for each in rows)
    database.engine.dispose()
    restore(settings, tmp_path / "2.tar.gz", now=LATER, overwrite=True)
    again = reopen(settings)
    assert count_ratings(again) == 3 * len(list_people(again)) > 0
    again.engine.dispose()


def test_nothing_is_overwritten_without_the_flag_and_what_is_replaced_stays(settings, database, tmp_path):
    add_person(database, "anna")
    archive = tmp_path / "backup.tar.gz"
    back_up(settings, archive, now=NOW)
    add_person(database, "boris")
    settings.layout.site_secret.write_text("another secret of the site")
    database.engine.dispose()
    with pytest.raises(UpkeepError, match="OVERWRITE=1"):
        restore(settings, archive, now=LATER)
    assert list_people(database) == ["anna", "boris"]
    database.engine.dispose()
    restore(settings, archive, now=LATER, overwrite=True)
    again = reopen(settings)
    assert list_people(again) == ["anna"]
    again.engine.dispose()
    (before,) = settings.layout.site_secret.parent.glob("secret.before-*")
    assert before.read_text() == "another secret of the site"
    names = set(back_up(settings, tmp_path / "next.tar.gz", now=LATER)["files"])
    assert not [name for name in names if ".before-" in name]


def test_nobody_else_can_read_a_file_while_it_is_restored(settings, database, tmp_path, monkeypatch):
    add_person(database, "anna")
    archive = tmp_path / "backup.tar.gz"
    back_up(settings, archive, now=NOW)
    destroy(settings, database)
    copyfile, modes = shutil.copyfile, {}

    def copy_and_look(source: Path, target: Path) -> None:
        copyfile(source, target)
        modes[source.name] = target.stat().st_mode & 0o777

    monkeypatch.setattr(shutil, "copyfile", copy_and_look)
    restore(settings, archive, now=LATER)
    assert {"secret", settings.layout.tmdb_logo.name} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_restore_that_fails_in_the_middle_changes_nothing(settings, database, tmp_path, monkeypatch):
    add_person(database, "anna")
    archive = tmp_path / "backup.tar.gz"
    back_up(settings, archive, now=NOW)
    add_person(database, "boris")
    settings.layout.site_secret.write_text("another secret of the site")
    database.engine.dispose()
    put_back = restoring.replace_file

    def fail_at_the_last(source, target, now, undo):
        put_back(source, target, now, undo)
        if target.name in {"secret", "site.db"}:
            raise UpkeepError("the disk is full")

    monkeypatch.setattr(restoring, "replace_file", fail_at_the_last)
    with pytest.raises(UpkeepError, match="disk is full"):
        restore(settings, archive, now=LATER, overwrite=True)
    assert settings.layout.site_secret.read_text() == "another secret of the site"
    assert list_people(database) == ["anna", "boris"]
    assert not list(tmp_path.rglob("*.before-*"))


def spoil(archive: Path, target: Path, change) -> None:
    """A copy of the archive whose members were changed by `change(name, content)`; None leaves one out."""
    with tarfile.open(archive) as source, tarfile.open(target, "w:gz") as spoiled:
        for entry in source:
            content = change(entry.name, source.extractfile(entry).read())
            if content is not None:
                path = target.with_name("member")
                path.write_bytes(content)
                spoiled.add(path, entry.name)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda name, old: old.replace(b"secret", b"SECRET") if name.endswith("secret") else old, "is not what"),
        (lambda name, old: None if name.endswith("secret") else old, "lacks home/site/secret"),
        (lambda name, old: None if name == "manifest.json" else old, "does not begin with manifest.json"),
        (lambda name, old: old.replace(b'"format": 1', b'"format": 9') if name == "manifest.json" else old, "format 9"),
        (
            lambda name, old: old.replace(b"home/site/secret", b"../site/secret") if name == "manifest.json" else old,
            "d",
        ),
        (lambda name, old: old.replace(b'"0001', b'"9001') if name == "manifest.json" else old, "a newer version"),
    ],
)
def test_a_spoiled_archive_is_refused_before_anything_is_touched(settings, database, tmp_path, change, said):
    add_person(database, "anna")
    archive, spoiled = tmp_path / "backup.tar.gz", tmp_path / "spoiled.tar.gz"
    back_up(settings, archive, now=NOW)
    spoil(archive, spoiled, change)
    database.engine.dispose()
    with pytest.raises(UpkeepError, match=said):
        restore(settings, spoiled, now=LATER, overwrite=True)
    assert list_people(database) == ["anna"]
    assert not list(tmp_path.rglob("*.before-*"))
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(UpkeepError, match="cannot be read"):
        extract_archive(cut)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_is_not_replaced_while_the_site_has_it_open(settings, database, tmp_path):
    add_person(database, "anna")
    archive = tmp_path / "backup.tar.gz"
    back_up(settings, archive, now=NOW)
    with pytest.raises(UpkeepError, match="stop the site first"):
        restore(settings, archive, now=LATER, overwrite=True)
    database.engine.dispose()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_database_is_neither_backed_up_nor_in_the_way_of_a_restore(settings, database, tmp_path):
    add_person(database, "anna", 500)
    archive = tmp_path / "backup.tar.gz"
    back_up(settings, archive, now=NOW)
    database.engine.dispose()
    with closing(sqlite3.connect(database.file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    database.file.write_bytes(b"damaged!" * 1000)
    with pytest.raises(UpkeepError, match=r"cannot be copied|damaged"):
        back_up(settings, tmp_path / "bad.tar.gz", now=NOW)
    assert not (tmp_path / "bad.tar.gz").exists()
    restore(settings, archive, now=LATER, overwrite=True)
    again = reopen(settings)
    assert count_ratings(again) == 500
    again.engine.dispose()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_backup_of_sqlite_is_not_restored_into_postgresql(settings, database, tmp_path, postgres_url):
    add_person(database, "anna")
    back_up(settings, tmp_path / "backup.tar.gz", now=NOW)
    database.engine.dispose()
    other = Settings(home=tmp_path / "other", database_url=SecretStr(postgres_url))
    with pytest.raises(UpkeepError, match="the other kind of database"):
        restore(other, tmp_path / "backup.tar.gz", now=LATER)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_served_bundle_goes_along_if_it_is_wanted(settings, database, tmp_path):
    publish_small_home(settings.home)
    add_person(database, "anna")
    archive = tmp_path / "backup.tar.gz"
    back_up(settings, archive, now=NOW, with_bundle=True)
    database.engine.dispose()
    bundles = settings.layout.locate_bundles(settings.sample)
    before = {path.relative_to(bundles): path.read_bytes() for path in bundles.rglob("*") if path.is_file()}
    shutil.rmtree(settings.layout.published)
    restore(settings, archive, now=LATER, overwrite=True)
    assert {path.relative_to(bundles): path.read_bytes() for path in bundles.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_commands_say_what_they_did(settings, database, monkeypatch, capsys):
    add_person(database, "anna")
    database.engine.dispose()
    monkeypatch.setenv("MOVIEREC_HOME", str(settings.home))
    assert main([]) == 0
    (archive,) = settings.layout.backups.iterdir()
    assert str(archive) in capsys.readouterr().out
    assert restoring.main([str(archive)]) == 1
    assert "nothing was restored: there are" in capsys.readouterr().err
    assert restoring.main([str(archive), "--overwrite"]) == 0
    assert "1 accounts" in capsys.readouterr().out
    with tarfile.open(archive) as opened:
        manifest = json.load(opened.extractfile("manifest.json"))
    assert "database.sqlite" in manifest["files"]


def test_no_password_of_postgresql_is_an_argument_that_others_can_see(monkeypatch, tmp_path):
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$@" "$PGPASSWORD" > {tmp_path}/called\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    url = "postgresql://site:p%40ss@db.example:5433/movies?sslmode=require"
    with pytest.raises(UpkeepError, match="pg_dump failed"):
        back_up(Settings(home=tmp_path / "home", database_url=SecretStr(url)), tmp_path / "x.tar.gz", now=NOW)
    called = (tmp_path / "called").read_text().split()
    assert called[0] == "--dbname=postgresql://site@db.example:5433/movies?sslmode=require"
    assert called[-1] == "p@ss"
