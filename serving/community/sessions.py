"""Who asks: a browser's session, its profile and its account."""

import logging
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from serving.community.cookies import hash_of, new_token
from serving.community.models import Account, Profile, Visit
from serving.community.validation import storable

log = logging.getLogger(__name__)

GUEST_DAYS = 400
MEMBER_DAYS = 60
SEEN_AFTER = timedelta(days=1)  # a session is prolonged at most once in this time
COLOURS = 8

# Every page of who is known asks these two; made once, they cost half of what they would if made for each.
VISIT = (
    select(Visit, Profile, Account)
    .join(Profile, Profile.id == Visit.profile_id)
    .outerjoin(Account, Account.id == Visit.account_id)
    .where(Visit.token_hash == bindparam("token_hash"), Visit.expires_at > bindparam("now"))
)
PROFILES = select(Profile).where(Profile.account_id == bindparam("account_id")).order_by(Profile.created_at, Profile.id)


class WhoseProfile(NamedTuple):
    id: UUID
    name: str
    colour: int


class Visitor(NamedTuple):
    """`lost` has a cookie of a session that ended; `unknown` cannot be told, for the database does not answer.

    `is_new` is a guest that this very request has made: the page it came from was drawn for nobody.
    """

    state: Literal["nobody", "guest", "member", "lost", "unknown"]
    visit_id: UUID | None = None
    profile: WhoseProfile | None = None
    account_id: UUID | None = None
    account_name: str = ""
    profiles: tuple[WhoseProfile, ...] = ()
    needs_account: bool = False
    is_new: bool = False
    is_due: bool = False  # the session should be prolonged

    @property
    def profile_key(self) -> str:
        """What a form remembers of who it was drawn for; empty for nobody."""
        return str(self.profile.id) if self.profile else ""

    @property
    def may_write(self) -> bool:
        return self.state == "member" or not self.needs_account


def recognized(session: Session, token: str, *, now: datetime) -> Visitor:
    found: tuple[Visit, Profile, Account | None] | None = session.execute(
        VISIT, {"token_hash": hash_of(token), "now": now}
    ).first()
    if found is None:
        return Visitor("lost")
    visit, profile, account = found
    is_due = now - visit.seen_at > SEEN_AFTER
    if account is None:
        # A guest's profile that was taken into an account is no longer open to the guest's other browsers.
        is_still_open = profile.account_id is None
        return Visitor("guest", visit.id, whose(profile), is_due=is_due) if is_still_open else Visitor("lost")
    profiles = profiles_of(session, account.id)
    return Visitor("member", visit.id, whose(profile), account.id, account.name, profiles, is_due=is_due)


def profiles_of(session: Session, account_id: UUID) -> tuple[WhoseProfile, ...]:
    """Oldest first."""
    rows = session.scalars(PROFILES, {"account_id": account_id})
    return tuple(whose(row) for row in rows)


def whose(profile: Profile) -> WhoseProfile:
    return WhoseProfile(profile.id, profile.name, profile.colour % COLOURS)


def new_profile(session: Session, *, account_id: UUID | None, name: str, colour: int, now: datetime) -> Profile:
    profile = Profile(account_id=account_id, name=name, colour=colour % COLOURS, created_at=now, used_at=now)
    session.add(profile)
    session.flush()
    return profile


def new_visit(session: Session, profile: Profile, *, account_id: UUID | None, agent: str, now: datetime) -> str:
    """Gives the token; the browser alone has it."""
    token = new_token()
    session.add(
        Visit(
            token_hash=hash_of(token),
            account_id=account_id,
            profile_id=profile.id,
            agent=storable(agent)[:200],
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=MEMBER_DAYS if account_id else GUEST_DAYS),
        )
    )
    session.flush()
    return token


def new_guest(session: Session, *, agent: str, now: datetime) -> tuple[Profile, str]:
    profile = new_profile(session, account_id=None, name="", colour=now.microsecond, now=now)
    return profile, new_visit(session, profile, account_id=None, agent=agent, now=now)


def prolong(session: Session, visit_id: UUID, *, is_member: bool, now: datetime) -> None:
    ends = now + timedelta(days=MEMBER_DAYS if is_member else GUEST_DAYS)
    session.execute(update(Visit).where(Visit.id == visit_id).values(seen_at=now, expires_at=ends))


def forget_ended(session: Session, *, now: datetime) -> None:
    """Sessions that ended; what people left stays."""
    session.execute(delete(Visit).where(Visit.expires_at < now))
