"""Writes that may come twice: a row is put in its place, whatever stood there."""

from datetime import datetime
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from serving.community.models import Attempts, Record

KEY_OF_A_MOVIE = ("profile_id", "movie_id")


def put(session: Session, record: type[Record], **values: Any) -> None:
    """The row of a profile and a movie, new or changed to `values`."""
    changed = {name: value for name, value in values.items() if name not in KEY_OF_A_MOVIE}
    session.execute(
        _insert(session, record).values(**values).on_conflict_do_update(index_elements=KEY_OF_A_MOVIE, set_=changed)
    )


def put_if_new(session: Session, record: type[Record], **values: Any) -> None:
    """The row of a profile and a movie, where there is none yet."""
    session.execute(_insert(session, record).values(**values).on_conflict_do_nothing(index_elements=KEY_OF_A_MOVIE))


def counted(session: Session, *, what: str, who: str, ends_at: datetime) -> int:
    """Counts one up and gives the count."""
    statement = (
        _insert(session, Attempts)
        .values(what=what, who=who, ends_at=ends_at, count=1)
        .on_conflict_do_update(index_elements=("what", "who", "ends_at"), set_={"count": Attempts.count + 1})
        .returning(Attempts.count)
    )
    return int(session.execute(statement).scalar_one())


def _insert(session: Session, record: type[Record]) -> Any:
    """PostgreSQL and SQLite spell ON CONFLICT alike, in two classes."""
    found: Insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(record)
    return found
