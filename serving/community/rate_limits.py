"""How often something may be tried; counted in the database, so that all processes count together."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from serving.community.models import Attempts
from serving.community.upserts import counted


class Limit(NamedTuple):
    """At most `times` in each span of so many minutes."""

    what: str
    times: int
    minutes: int


GUESTS = Limit("guests", 30, 60)
ACCOUNTS = Limit("accounts", 10, 60)
SIGN_INS_OF_A_NAME = Limit("sign_ins_of_a_name", 10, 15)
SIGN_INS_FROM_AN_ADDRESS = Limit("sign_ins_from_an_address", 50, 15)
PASSWORDS = Limit("passwords", 10, 15)
REVIEWS = Limit("reviews", 30, 60)
CHANGES = Limit("changes", 1200, 60)
PROFILES = Limit("profiles", 30, 60)


class TooMany(Exception):  # noqa: N818  what it says on the page
    """Raised with how long to wait."""

    def __init__(self, limit: Limit, *, seconds: int) -> None:
        super().__init__(f"more than {limit.times} {limit.what} in {limit.minutes} minutes")
        self.seconds = seconds


def count(session: Session, limit: Limit, who: str, *, now: datetime) -> None:
    """One more attempt of `who`; raises TooMany past the limit. Commit before raising on, or it is not counted."""
    ends_at = span_end(now, limit.minutes)
    if counted(session, what=limit.what, who=who, ends_at=ends_at) > limit.times:
        raise TooMany(limit, seconds=max(1, int((ends_at - now).total_seconds())))


def tried(session: Session, limit: Limit, who: str, *, now: datetime) -> int:
    """How often so far in this span."""
    key = (limit.what, who, span_end(now, limit.minutes))
    found = session.scalar(
        select(Attempts.count).where(Attempts.what == key[0], Attempts.who == key[1], Attempts.ends_at == key[2])
    )
    return found or 0


def forget_old(session: Session, *, now: datetime) -> None:
    session.execute(delete(Attempts).where(Attempts.ends_at < now))


def span_end(now: datetime, minutes: int) -> datetime:
    """Spans stand side by side, the same for everybody."""
    span = timedelta(minutes=minutes)
    start = datetime(2000, 1, 1, tzinfo=now.tzinfo)
    return start + ((now - start) // span + 1) * span
