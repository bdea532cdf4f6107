"""`python -m serving.upkeep.forget NAME` deletes an account or a guest with all they left, and searches for remains."""

import argparse
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import String, cast, func, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from movierec.settings import Settings
from serving.community.accounts import delete_account, find_account
from serving.community.database import Database, DatabaseUnavailableError, build_database_url
from serving.community.models import Account, Profile, Record
from serving.community.sessions import delete_profile_row
from serving.upkeep.archive import UpkeepError

Ids = tuple[UUID, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code: 0 if nothing is left, 2 for a wrong variable, else 1.

    That is if nobody was found, if something is left, or if this cannot be known.
    """
    parser = argparse.ArgumentParser(prog="python -m serving.upkeep.forget", description=__doc__)
    parser.add_argument("who", help="the name or id of an account, or the id of a profile")
    given = parser.parse_args(arguments)
    settings = Settings.from_environment_or_exit()
    database = Database(build_database_url(settings))
    try:
        ids = forget_person(database, given.who)
    except (UpkeepError, DatabaseUnavailableError) as error:
        sys.stderr.write(f"nobody was forgotten: {error}\n")
        return 1
    try:
        erase_free_pages(database)
        rows = count_rows(database, ids)
        database.engine.dispose()  # before the search opens the file: closing it would drop SQLite's locks
        files = list(iter_files_with(settings.layout.home, ids))
    except (UpkeepError, DatabaseUnavailableError, OSError) as error:
        sys.stderr.write(f"{given.who} was forgotten, but cleaning up and searching for remains failed: {error}\n")
        return 1
    backups = [path for path in sorted(settings.layout.backups.rglob("*")) if path.is_file()]
    sys.stdout.write("".join(f"{line}\n" for line in describe_search(rows, files, backups)))
    return 1 if rows or files else 0


def forget_person(database: Database, who: str) -> Ids:
    """Deletes the account or guest profile. Gives the ids it had; free pages of the database may still hold them.

    Raises UpkeepError if there is nobody of this name or id, and DatabaseUnavailableError.
    """
    with database.write_transaction() as session:
        if database.file:
            session.execute(text("PRAGMA secure_delete = ON"))  # what is deleted is overwritten with zeros
        person = find_person(session, who)
        if isinstance(person, Account):
            ids = delete_account(session, person.id)
        else:
            ids = (person.id,)
            delete_profile_row(session, person.id)
    return ids


def erase_free_pages(database: Database) -> None:
    """Takes what was deleted out of the free pages of the database too. Raises UpkeepError."""
    try:
        with database.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            if raw is None:
                raise UpkeepError("the database does not answer")
            if database.file:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                raw.execute("VACUUM")
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                connection.connection.driver_connection.autocommit = True  # type: ignore[union-attr]
                for table in Record.metadata.sorted_tables:
                    raw.execute(f"VACUUM {table.name}")
    except (SQLAlchemyError, database.engine.dialect.loaded_dbapi.Error) as error:
        raise UpkeepError(f"the free pages of the database were not erased: {error}") from error


def find_person(session: Session, who: str) -> Account | Profile:
    """The account of this name or id, the account of a profile, or the profile of a guest. Raises UpkeepError."""
    try:
        wanted = UUID(who)
    except ValueError:
        account = find_account(session, who)
        if account is None:
            raise UpkeepError(f"no account has the name {who!r}") from None
        return account
    profile = session.get(Profile, wanted)
    found = session.get(Account, profile.account_id if profile and profile.account_id else wanted) or profile
    if found is None:
        raise UpkeepError(f"no account and no profile has the id {who}")
    return found


def count_rows(database: Database, ids: Ids) -> dict[str, int]:
    """How many rows of each table hold one of the ids in any of its columns; tables without one are left out."""
    forms = [form for each in ids for form in (str(each), each.hex)]
    found = {}
    with database.read_transaction() as session:
        for table in Record.metadata.sorted_tables:
            holds = or_(*(cast(column, String).in_(forms) for column in table.columns))
            n_rows = session.scalar(select(func.count()).select_from(table).where(holds)) or 0
            if n_rows:
                found[table.name] = n_rows
    return found


def iter_files_with(home: Path, ids: Ids) -> Iterator[Path]:
    """All files below `home` that hold one of the ids as text or as its 16 bytes. Compressed ones are not opened."""
    forms = [form for each in ids for form in (str(each).encode(), each.hex.encode(), each.bytes)]
    for folder, _, names in os.walk(home):
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and path.stat().st_size and _holds_any(path, forms):
                yield path


def _holds_any(path: Path, forms: list[bytes]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(form) >= 0 for form in forms)


def describe_search(rows: dict[str, int], files: Sequence[Path], backups: Sequence[Path]) -> Iterator[str]:
    """Sentences about what the search has found."""
    if not rows and not files:
        yield "Forgotten. No table of the site and no file of MOVIEREC_HOME holds an id of this person any more."
    for name, n_rows in rows.items():
        yield f"left: {n_rows} rows of {name}"
    for path in files:
        yield f"left: {path}"
    for path in backups:
        yield f"not searched, may hold this person if it was made before: {path}"


if __name__ == "__main__":
    sys.exit(main())
