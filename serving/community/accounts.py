"""Creates accounts, signs in and out, and merges a guest's data into an account."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from serving.community.models import MOVIE_RECORDS, Account, BrowserSession, Profile, Rating, Review
from serving.community.names import make_skeleton, normalize_name
from serving.community.rate_limits import delete_attempts
from serving.community.sessions import Visitor, delete_profile_row, insert_profile, insert_session


class MergeCounts(NamedTuple):
    """How many rows of a guest were taken over (`moved`), and for how many movies the account's own stayed (`kept`)."""

    moved: int
    kept: int


def create_account(
    session: Session, visitor: Visitor, *, name: str, password_hash: str, agent: str, now: datetime
) -> str:
    """Creates an account, which takes over the guest's profile if there is one. Returns the token of a new session.

    Raises IntegrityError if the name is taken.
    """
    account = Account(name=name, name_key=normalize_name(name), password=password_hash, created_at=now)
    session.add(account)
    session.flush()
    guest = find_guest_profile(session, visitor)
    if guest is None:
        profile = insert_profile(session, account_id=account.id, name=name, colour=now.microsecond, now=now)
    else:
        profile = guest
        profile.account_id, profile.name = account.id, name
    return renew_session(session, visitor, profile, account_id=account.id, agent=agent, now=now)


def find_guest_profile(session: Session, visitor: Visitor) -> Profile | None:
    """The visitor's guest profile; None for others, and if it was taken into an account meanwhile."""
    found = session.get(Profile, visitor.profile.id) if visitor.profile and visitor.state == "guest" else None
    return found if found and found.account_id is None else None


def find_account(session: Session, name: str) -> Account | None:
    """The account with this name (case is ignored), None without one."""
    return session.scalar(select(Account).where(Account.name_key == normalize_name(name)))


def has_lookalike(session: Session, name: str) -> bool:
    """Whether the name is written with other letters that look like the name of an account."""
    skeleton = make_skeleton(name)
    return skeleton != normalize_name(name) and find_account(session, skeleton) is not None


def sign_in(
    session: Session, visitor: Visitor, account_id: UUID, *, agent: str, now: datetime
) -> tuple[str, MergeCounts]:
    """Signs in with the profile used last and merges the guest's data into it. Returns the new token and the counts."""
    profile = session.scalars(
        select(Profile).where(Profile.account_id == account_id).order_by(Profile.used_at.desc(), Profile.id)
    ).first()
    if profile is None:
        profile = insert_profile(session, account_id=account_id, name="", colour=0, now=now)
    merged = MergeCounts(0, 0)
    if guest := find_guest_profile(session, visitor):
        merged = merge_guest(session, guest.id, into=profile.id)
    profile.used_at = now
    return renew_session(session, visitor, profile, account_id=account_id, agent=agent, now=now), merged


def merge_guest(session: Session, guest_id: UUID, *, into: UUID) -> MergeCounts:
    """Moves the guest's ratings, reviews and lists to the profile `into` and deletes the guest.

    Where `into` has its own entry for a movie, that one stays.
    """
    moved = 0
    for record in MOVIE_RECORDS:
        own = select(record.movie_id).where(record.profile_id == into)
        done = session.execute(
            update(record)
            .where(record.profile_id == guest_id, record.movie_id.not_in(own))
            .values(profile_id=into)
            .execution_options(synchronize_session=False)
        )
        moved += done.rowcount  # type: ignore[attr-defined]  # an UPDATE counts its rows
    left = (
        select(Rating.movie_id)
        .where(Rating.profile_id == guest_id)
        .union(select(Review.movie_id).where(Review.profile_id == guest_id))
    )
    kept = session.scalar(select(func.count()).select_from(left.subquery())) or 0
    delete_profile_row(session, guest_id)
    session.expire_all()
    return MergeCounts(moved, kept)


def renew_session(
    session: Session, visitor: Visitor, profile: Profile, *, account_id: UUID, agent: str, now: datetime
) -> str:
    """Starts a session with a new token and ends the browser's old one, so no token from before sign-in stays valid."""
    if visitor.session_id:
        session.execute(delete(BrowserSession).where(BrowserSession.id == visitor.session_id))
    return insert_session(session, profile, account_id=account_id, agent=agent, now=now)


def sign_out(session: Session, visitor: Visitor) -> None:
    """Ends the visitor's session."""
    session.execute(delete(BrowserSession).where(BrowserSession.id == visitor.session_id))


def change_password(session: Session, visitor: Visitor, password_hash: str) -> None:
    """Stores the new hash and ends all other sessions of the account."""
    store_password_hash(session, visitor.account_id, password_hash)
    session.execute(
        delete(BrowserSession).where(
            BrowserSession.account_id == visitor.account_id, BrowserSession.id != visitor.session_id
        )
    )


def store_password_hash(session: Session, account_id: UUID | None, password_hash: str) -> None:
    """Stores a hash of the account's password."""
    session.execute(update(Account).where(Account.id == account_id).values(password=password_hash))


def is_signed_in(session: Session, visitor: Visitor) -> bool:
    """Whether the visitor's session is still open."""
    return session.get(BrowserSession, visitor.session_id) is not None


def delete_everything(session: Session, visitor: Visitor) -> None:
    """Deletes the account with all its profiles, or the guest's profile, and all their data."""
    if visitor.account_id:
        delete_account(session, visitor.account_id)
    elif visitor.profile:
        delete_profile_row(session, visitor.profile.id)


def delete_account(session: Session, account_id: UUID) -> tuple[UUID, ...]:
    """Deletes the account with all its profiles and their data. Returns the ids of the account and of the profiles."""
    ids = (account_id, *session.scalars(select(Profile.id).where(Profile.account_id == account_id)))
    delete_attempts(session, [str(each) for each in ids])
    session.execute(delete(Account).where(Account.id == account_id))
    return ids
