"""Rate limits: how often something may be tried. Counted in the database, so that all processes share the counts."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from serving.community.models import Attempts
from serving.community.upserts import increment_attempts
from serving.observability.metrics import RATE_LIMITED


class RateLimit(NamedTuple):
    """At most `times` in each period of `minutes`."""

    what: str
    times: int
    minutes: int


GUESTS = RateLimit("guests", 30, 60)
ACCOUNTS = RateLimit("accounts", 10, 60)
SIGN_INS_OF_A_NAME = RateLimit("sign_ins_of_a_name", 10, 15)
SIGN_INS_FROM_AN_ADDRESS = RateLimit("sign_ins_from_an_address", 50, 15)
PASSWORDS = RateLimit("passwords", 10, 15)
REVIEWS = RateLimit("reviews", 30, 60)
CHANGES = RateLimit("changes", 1200, 60)
PROFILES = RateLimit("profiles", 30, 60)


class RateLimitError(Exception):
    """The limit is exceeded; `seconds` is the time to wait."""

    def __init__(self, limit: RateLimit, *, seconds: int) -> None:
        super().__init__(f"more than {limit.times} {limit.what} in {limit.minutes} minutes")
        self.seconds = seconds


def count_attempt(session: Session, limit: RateLimit, who: str, *, now: datetime) -> None:
    """Counts one attempt of `who`. Raises RateLimitError above the limit.

    The attempt counts only if the transaction is committed, also when another error follows.
    """
    ends_at = get_span_end(now, limit.minutes)
    if increment_attempts(session, what=limit.what, who=who, ends_at=ends_at) > limit.times:
        RATE_LIMITED.labels(limit.what).inc()
        raise RateLimitError(limit, seconds=max(1, int((ends_at - now).total_seconds())))


def delete_old_attempts(session: Session, *, now: datetime) -> None:
    """Deletes the counts of periods that have ended."""
    session.execute(delete(Attempts).where(Attempts.ends_at < now))


def delete_attempts(session: Session, who: Collection[str]) -> None:
    """Deletes all counts of these ids."""
    session.execute(delete(Attempts).where(Attempts.who.in_(who)))


def get_span_end(now: datetime, minutes: int) -> datetime:
    """The end of the current period. Periods are the same for all visitors."""
    span = timedelta(minutes=minutes)
    start = datetime(2000, 1, 1, tzinfo=now.tzinfo)
    return start + ((now - start) // span + 1) * span
