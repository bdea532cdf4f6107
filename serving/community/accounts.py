"""Accounts: made, entered, left. A guest's opinions come along."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from serving.community.models import OF_A_MOVIE, Account, Profile, Rating, Review, Visit
from serving.community.passwords import Passwords
from serving.community.sessions import Visitor, new_profile, new_visit
from serving.community.validation import name_key


class Merged(NamedTuple):
    """`moved` rows of a guest were taken over; of `kept` movies the account had its own rating or review."""

    moved: int
    kept: int


def register(session: Session, visitor: Visitor, *, name: str, password: str, agent: str, now: datetime) -> str:
    """A new account, with the guest's profile if there is one; gives a new token. IntegrityError: the name is taken.

    `password` is the hash.
    """
    account = Account(name=name, name_key=name_key(name), password=password, created_at=now)
    session.add(account)
    session.flush()
    guest = guest_of(session, visitor)
    if guest is None:
        profile = new_profile(session, account_id=account.id, name=name, colour=now.microsecond, now=now)
    else:
        profile = guest
        profile.account_id, profile.name = account.id, name
    return renewed(session, visitor, profile, account_id=account.id, agent=agent, now=now)


def guest_of(session: Session, visitor: Visitor) -> Profile | None:
    """The visitor's profile while it is a guest's: another click may have taken it into an account meanwhile."""
    found = session.get(Profile, visitor.profile.id) if visitor.profile and visitor.state == "guest" else None
    return found if found and found.account_id is None else None


def account_named(session: Session, name: str) -> Account | None:
    return session.scalar(select(Account).where(Account.name_key == name_key(name)))


def enter(session: Session, visitor: Visitor, account_id: UUID, *, agent: str, now: datetime) -> tuple[str, Merged]:
    """Signs in as the profile used last, which takes over what the visitor did as a guest; gives a new token."""
    profile = session.scalars(
        select(Profile).where(Profile.account_id == account_id).order_by(Profile.used_at.desc(), Profile.id)
    ).first()
    if profile is None:
        profile = new_profile(session, account_id=account_id, name="", colour=0, now=now)
    merged = Merged(0, 0)
    if guest := guest_of(session, visitor):
        merged = take_over(session, guest.id, into=profile.id)
    profile.used_at = now
    return renewed(session, visitor, profile, account_id=account_id, agent=agent, now=now), merged


def take_over(session: Session, guest: UUID, *, into: UUID) -> Merged:
    """What `into` said of a movie itself stays as it is; the guest's profile and its sessions go."""
    moved = 0
    for record in OF_A_MOVIE:
        own = select(record.movie_id).where(record.profile_id == into)
        done = session.execute(
            update(record)
            .where(record.profile_id == guest, record.movie_id.not_in(own))
            .values(profile_id=into)
            .execution_options(synchronize_session=False)
        )
        moved += done.rowcount  # type: ignore[attr-defined]  # an UPDATE counts its rows
    left = (
        select(Rating.movie_id)
        .where(Rating.profile_id == guest)
        .union(select(Review.movie_id).where(Review.profile_id == guest))
    )
    kept = session.scalar(select(func.count()).select_from(left.subquery())) or 0
    session.execute(delete(Profile).where(Profile.id == guest))
    session.expire_all()
    return Merged(moved, kept)


def renewed(
    session: Session, visitor: Visitor, profile: Profile, *, account_id: UUID, agent: str, now: datetime
) -> str:
    """A session with a token that nobody can have known before; the browser's old one ends."""
    if visitor.visit_id:
        session.execute(delete(Visit).where(Visit.id == visitor.visit_id))
    return new_visit(session, profile, account_id=account_id, agent=agent, now=now)


def leave(session: Session, visitor: Visitor) -> None:
    session.execute(delete(Visit).where(Visit.id == visitor.visit_id))


def change_password(session: Session, visitor: Visitor, password: str) -> None:
    """Sets the hash, and ends every other session: they may be somebody else's."""
    session.execute(update(Account).where(Account.id == visitor.account_id).values(password=password))
    session.execute(delete(Visit).where(Visit.account_id == visitor.account_id, Visit.id != visitor.visit_id))


def refresh_hash(session: Session, account: Account, typed: str, passwords: Passwords) -> None:
    """A hash made with weaker settings is made anew while the password is at hand."""
    if passwords.is_outdated(account.password):
        session.execute(update(Account).where(Account.id == account.id).values(password=passwords.hashed(typed)))


def delete_everything(session: Session, visitor: Visitor) -> None:
    """The account with all its profiles, or the guest's profile; what they left goes with them."""
    if visitor.account_id:
        session.execute(delete(Account).where(Account.id == visitor.account_id))
    elif visitor.profile:
        session.execute(delete(Profile).where(Profile.id == visitor.profile.id))
