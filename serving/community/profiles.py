"""The profiles and sessions of an account, as its owner sees and changes them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from serving.community.models import BrowserSession, Profile
from serving.community.names import normalize_name
from serving.community.sessions import Visitor, delete_profile_row, insert_profile, is_session_of
from serving.community.validation import InvalidInputError

MAX_PROFILES = 8
# As browsers call themselves. Most name others too, to be let in, so the first that is found counts.
BROWSER_NAMES = {
    "Edg": "Edge", "OPR/": "Opera", "YaBrowser/": "Yandex Browser", "Firefox/": "Firefox", "FxiOS/": "Firefox",
    "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEM_NAMES = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Macintosh": "macOS",
    "Linux": "Linux",
}  # fmt: skip


class OpenSession(NamedTuple):
    """A session that has not ended; `is_this` is the one of the request."""

    id: UUID
    browser: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


def list_sessions(session: Session, visitor: Visitor, *, now: datetime) -> list[OpenSession]:
    """The open sessions of the account or the guest: this one first, then the last used."""
    rows = session.scalars(
        select(BrowserSession)
        .where(is_session_of(visitor), BrowserSession.expires_at > now)
        .order_by(BrowserSession.seen_at.desc(), BrowserSession.id)
    )
    found = [
        OpenSession(row.id, describe_browser(row.agent), row.created_at, row.seen_at, row.id == visitor.session_id)
        for row in rows
    ]
    return sorted(found, key=lambda each: not each.is_this)


def describe_browser(agent: str) -> str:
    """Browser and operating system, such as "Firefox, Linux"; `agent` itself if neither is known."""
    names = (next((name for mark, name in of.items() if mark in agent), "") for of in (BROWSER_NAMES, SYSTEM_NAMES))
    return ", ".join(filter(None, names)) or agent


def end_session(session: Session, visitor: Visitor, session_id: UUID) -> None:
    """Ends a session of the visitor's account; does nothing for other sessions."""
    if visitor.account_id:
        session.execute(
            delete(BrowserSession).where(
                BrowserSession.id == session_id, BrowserSession.account_id == visitor.account_id
            )
        )


def create_profile(session: Session, visitor: Visitor, name: str, *, now: datetime) -> None:
    """Adds a profile and switches to it. Raises InvalidInputError above MAX_PROFILES or if the name is taken."""
    require_new_name(session, visitor, name)
    n_profiles = session.scalar(
        select(func.count()).select_from(Profile).where(Profile.account_id == visitor.account_id)
    )
    if (n_profiles or 0) >= MAX_PROFILES:
        raise InvalidInputError("name", "too_many_profiles")
    profile = insert_profile(session, account_id=visitor.account_id, name=name, colour=n_profiles or 0, now=now)
    switch_profile(session, visitor, profile.id, now=now)


def switch_profile(session: Session, visitor: Visitor, profile_id: UUID, *, now: datetime) -> None:
    """Uses this profile in the visitor's session from now on."""
    session.execute(update(BrowserSession).where(BrowserSession.id == visitor.session_id).values(profile_id=profile_id))
    session.execute(update(Profile).where(Profile.id == profile_id).values(used_at=now))


def rename_profile(session: Session, visitor: Visitor, profile_id: UUID, name: str) -> None:
    """Renames the profile. Raises InvalidInputError if another profile of the account has the name."""
    require_new_name(session, visitor, name, excluded_profile=profile_id)
    session.execute(update(Profile).where(Profile.id == profile_id).values(name=name))


def require_new_name(session: Session, visitor: Visitor, name: str, *, excluded_profile: UUID | None = None) -> None:
    """Raises InvalidInputError if a profile of the account, except `excluded_profile`, has this name."""
    others = select(Profile.name).where(Profile.account_id == visitor.account_id, Profile.id != excluded_profile)
    if normalize_name(name) in map(normalize_name, session.scalars(others)):
        raise InvalidInputError("name", "profile_name_is_taken")


def delete_profile(session: Session, visitor: Visitor, profile_id: UUID) -> None:
    """Deletes the profile with its data; its sessions switch to another profile.

    Raises InvalidInputError for the last profile of an account.
    """
    other = session.scalars(
        select(Profile)
        .where(Profile.account_id == visitor.account_id, Profile.id != profile_id)
        .order_by(Profile.used_at.desc(), Profile.id)
    ).first()
    if other is None:
        raise InvalidInputError("form", "last_profile")
    session.execute(update(BrowserSession).where(BrowserSession.profile_id == profile_id).values(profile_id=other.id))
    delete_profile_row(session, profile_id)
