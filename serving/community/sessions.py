"""Sessions: who the visitor is, by the token of their browser."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, exists, select, update
from sqlalchemy.orm import Session

from serving.community.cookies import create_token, hash_token
from serving.community.models import Account, BrowserSession, Profile
from serving.community.rate_limits import delete_attempts
from serving.community.validation import strip_unstorable

GUEST_DAYS = 400
MEMBER_DAYS = 60
PROLONG_AFTER = timedelta(days=1)  # a session is prolonged at most once in this time
N_COLOURS = 8

# Every page of who is known asks these two; made once, they cost half of what they would if made for each.
SESSION_QUERY = (
    select(BrowserSession, Profile, Account)
    .join(Profile, Profile.id == BrowserSession.profile_id)
    .outerjoin(Account, Account.id == BrowserSession.account_id)
    .where(BrowserSession.token_hash == bindparam("token_hash"), BrowserSession.expires_at > bindparam("now"))
)
PROFILES_QUERY = (
    select(Profile).where(Profile.account_id == bindparam("account_id")).order_by(Profile.created_at, Profile.id)
)


class ProfileSummary(NamedTuple):
    """A profile as pages show it."""

    id: UUID
    name: str
    colour: int


class Visitor(NamedTuple):
    """The visitor of a request.

    `state`: "nobody" has no session, "lost" has the cookie of an ended session, "unknown" if the database does not
    answer. `is_new`: a guest created by this request, so the page that sent it was rendered without a profile.
    """

    state: Literal["nobody", "guest", "member", "lost", "unknown"]
    session_id: UUID | None = None
    profile: ProfileSummary | None = None
    account_id: UUID | None = None
    account_name: str = ""
    profiles: tuple[ProfileSummary, ...] = ()
    needs_account: bool = False
    is_new: bool = False
    needs_prolonging: bool = False  # the session should be prolonged

    @property
    def profile_key(self) -> str:
        """The id that forms carry in the field `as`, to detect a change of profile; empty without a profile."""
        return str(self.profile.id) if self.profile else ""

    @property
    def can_write(self) -> bool:
        """Whether the visitor may rate and review: members always, others unless the site needs an account."""
        return self.state == "member" or not self.needs_account


def recognize_visitor(session: Session, token: str, *, now: datetime) -> Visitor:
    """The visitor with this token; the state is "lost" if the session has ended."""
    found: tuple[BrowserSession, Profile, Account | None] | None = session.execute(
        SESSION_QUERY, {"token_hash": hash_token(token), "now": now}
    ).first()
    if found is None:
        return Visitor("lost")
    visit, profile, account = found
    is_due = now - visit.seen_at > PROLONG_AFTER
    if account is None:
        # A guest's profile that was taken into an account is no longer open to the guest's other browsers.
        is_still_open = profile.account_id is None
        return (
            Visitor("guest", visit.id, summarize_profile(profile), needs_prolonging=is_due)
            if is_still_open
            else Visitor("lost")
        )
    profiles = list_profiles(session, account.id)
    return Visitor(
        "member", visit.id, summarize_profile(profile), account.id, account.name, profiles, needs_prolonging=is_due
    )


def list_profiles(session: Session, account_id: UUID) -> tuple[ProfileSummary, ...]:
    """The profiles of the account, oldest first."""
    rows = session.scalars(PROFILES_QUERY, {"account_id": account_id})
    return tuple(summarize_profile(row) for row in rows)


def summarize_profile(profile: Profile) -> ProfileSummary:
    """The profile as pages show it."""
    return ProfileSummary(profile.id, profile.name, profile.colour % N_COLOURS)


def insert_profile(session: Session, *, account_id: UUID | None, name: str, colour: int, now: datetime) -> Profile:
    """Adds a profile."""
    profile = Profile(account_id=account_id, name=name, colour=colour % N_COLOURS, created_at=now, used_at=now)
    session.add(profile)
    session.flush()
    return profile


def delete_profile_row(session: Session, profile_id: UUID) -> None:
    """Deletes the profile with its data and the counts of its attempts."""
    session.execute(delete(Profile).where(Profile.id == profile_id))
    delete_attempts(session, [str(profile_id)])


def insert_session(session: Session, profile: Profile, *, account_id: UUID | None, agent: str, now: datetime) -> str:
    """Adds a session and returns its token, which only the browser stores."""
    token = create_token()
    session.add(
        BrowserSession(
            token_hash=hash_token(token),
            account_id=account_id,
            profile_id=profile.id,
            agent=strip_unstorable(agent)[:200],
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=MEMBER_DAYS if account_id else GUEST_DAYS),
        )
    )
    session.flush()
    return token


def insert_guest(session: Session, *, agent: str, now: datetime) -> tuple[Profile, str]:
    """Adds a guest's profile with a session; returns the profile and the token."""
    profile = insert_profile(session, account_id=None, name="", colour=now.microsecond, now=now)
    return profile, insert_session(session, profile, account_id=None, agent=agent, now=now)


def is_session_of(visitor: Visitor) -> ColumnElement[bool]:
    """The condition for the sessions of the visitor's account, or of the guest."""
    if visitor.account_id:
        return BrowserSession.account_id == visitor.account_id
    return BrowserSession.profile_id == (visitor.profile.id if visitor.profile else None)


def prolong_session(session: Session, session_id: UUID, *, is_member: bool, now: datetime) -> None:
    """Extends the session by MEMBER_DAYS or GUEST_DAYS from now."""
    ends = now + timedelta(days=MEMBER_DAYS if is_member else GUEST_DAYS)
    session.execute(update(BrowserSession).where(BrowserSession.id == session_id).values(seen_at=now, expires_at=ends))


def delete_ended_sessions(session: Session, *, now: datetime) -> None:
    """Deletes sessions that have ended."""
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at < now))


def delete_lost_guests(session: Session) -> None:
    """Deletes guests without a session, with their ratings, reviews and lists: nobody can reach or delete them."""
    has_session = exists().where(BrowserSession.profile_id == Profile.id)
    session.execute(delete(Profile).where(Profile.account_id.is_(None), ~has_session))
