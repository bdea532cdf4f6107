"""The profiles and the sessions of an account, as their owner sees and changes them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from serving.community.models import Profile, Visit
from serving.community.sessions import Visitor, new_profile
from serving.community.validation import Refused, name_key

MOST = 8
# As browsers call themselves. Most name others too, to be let in, so the first that is found counts.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "YaBrowser/": "Yandex Browser", "Firefox/": "Firefox", "FxiOS/": "Firefox",
    "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Macintosh": "macOS",
    "Linux": "Linux",
}  # fmt: skip


class OpenSession(NamedTuple):
    id: UUID
    browser: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


def sessions_of(session: Session, visitor: Visitor, *, now: datetime) -> list[OpenSession]:
    """Of the account, or of the guest; the one that asks first, then the last seen."""
    mine = (
        Visit.account_id == visitor.account_id
        if visitor.account_id
        else Visit.profile_id == (visitor.profile.id if visitor.profile else None)
    )
    rows = session.scalars(select(Visit).where(mine, Visit.expires_at > now).order_by(Visit.seen_at.desc(), Visit.id))
    found = [
        OpenSession(row.id, known_as(row.agent), row.created_at, row.seen_at, row.id == visitor.visit_id)
        for row in rows
    ]
    return sorted(found, key=lambda each: not each.is_this)


def known_as(agent: str) -> str:
    """Browser and system as people call them; `agent` itself where neither is known."""
    names = (next((name for mark, name in of.items() if mark in agent), "") for of in (BROWSERS, SYSTEMS))
    return ", ".join(filter(None, names)) or agent


def end_session(session: Session, visitor: Visitor, visit_id: UUID) -> None:
    """One of the visitor's own; others stay untouched."""
    if visitor.account_id:
        session.execute(delete(Visit).where(Visit.id == visit_id, Visit.account_id == visitor.account_id))


def create(session: Session, visitor: Visitor, name: str, *, now: datetime) -> None:
    """A new profile, in use at once. Raises Refused past MOST, and for a name that the account has already."""
    be_new(session, visitor, name)
    n_profiles = session.scalar(
        select(func.count()).select_from(Profile).where(Profile.account_id == visitor.account_id)
    )
    if (n_profiles or 0) >= MOST:
        raise Refused("name", "too_many_profiles")
    profile = new_profile(session, account_id=visitor.account_id, name=name, colour=n_profiles or 0, now=now)
    switch(session, visitor, profile.id, now=now)


def switch(session: Session, visitor: Visitor, profile_id: UUID, *, now: datetime) -> None:
    session.execute(update(Visit).where(Visit.id == visitor.visit_id).values(profile_id=profile_id))
    session.execute(update(Profile).where(Profile.id == profile_id).values(used_at=now))


def rename(session: Session, visitor: Visitor, profile_id: UUID, name: str) -> None:
    """Raises Refused for a name that another profile of the account has."""
    be_new(session, visitor, name, but=profile_id)
    session.execute(update(Profile).where(Profile.id == profile_id).values(name=name))


def be_new(session: Session, visitor: Visitor, name: str, *, but: UUID | None = None) -> None:
    others = select(Profile.name).where(Profile.account_id == visitor.account_id, Profile.id != but)
    if name_key(name) in map(name_key, session.scalars(others)):
        raise Refused("name", "profile_name_is_taken")


def remove(session: Session, visitor: Visitor, profile_id: UUID) -> None:
    """With what it left; sessions that used it go on with another one. Raises Refused for the last."""
    other = session.scalars(
        select(Profile)
        .where(Profile.account_id == visitor.account_id, Profile.id != profile_id)
        .order_by(Profile.used_at.desc(), Profile.id)
    ).first()
    if other is None:
        raise Refused("form", "last_profile")
    session.execute(update(Visit).where(Visit.profile_id == profile_id).values(profile_id=other.id))
    session.execute(delete(Profile).where(Profile.id == profile_id))
