"""Inserts that replace an existing row, for SQLite and PostgreSQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from serving.community.models import Attempts, Record

MOVIE_RECORD_KEY = ("profile_id", "movie_id")


def upsert_record(session: Session, record: type[Record], **values: Any) -> None:
    """Inserts the row of a profile and a movie, or updates the existing one with `values`."""
    changed = {name: value for name, value in values.items() if name not in MOVIE_RECORD_KEY}
    session.execute(
        _insert(session, record).values(**values).on_conflict_do_update(index_elements=MOVIE_RECORD_KEY, set_=changed)
    )


def insert_if_new(session: Session, record: type[Record], **values: Any) -> None:
    """Inserts the row of a profile and a movie, if there is none yet."""
    session.execute(_insert(session, record).values(**values).on_conflict_do_nothing(index_elements=MOVIE_RECORD_KEY))


def increment_attempts(session: Session, *, what: str, who: str, ends_at: datetime) -> int:
    """Adds one to the count of attempts and returns it."""
    statement = (
        _insert(session, Attempts)
        .values(what=what, who=who, ends_at=ends_at, count=1)
        .on_conflict_do_update(index_elements=("what", "who", "ends_at"), set_={"count": Attempts.count + 1})
        .returning(Attempts.count)
    )
    return int(session.execute(statement).scalar_one())


def _insert(session: Session, record: type[Record]) -> Any:
    """The INSERT of the database in use, with ON CONFLICT, which SQLAlchemy has in a class for each database."""
    found: Insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(record)
    return found
