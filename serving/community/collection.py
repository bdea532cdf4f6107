"""All that a profile has left, for its own page and its export."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.community.models import Account, Profile, Rating, Review, Saved, Watched
from serving.community.sessions import Visitor


class Entry(NamedTuple):
    """One movie of a list; `at` is when it came onto it."""

    movie_id: int
    at: datetime
    rating: float | None = None
    text: str = ""


class Collection(NamedTuple):
    """Each list newest first. Whatever is rated is watched."""

    watched: list[Entry]
    watchlist: list[Entry]
    rated: list[Entry]
    reviews: list[Entry]


def collection(session: Session, profile_id: UUID) -> Collection:
    ratings = session.scalars(select(Rating).where(Rating.profile_id == profile_id)).all()
    stars = {row.movie_id: row.rating for row in ratings}
    rated = [Entry(row.movie_id, row.rated_at, row.rating) for row in ratings]
    marked = session.scalars(select(Watched).where(Watched.profile_id == profile_id))
    watched = {row.movie_id: Entry(row.movie_id, row.watched_at, stars.get(row.movie_id)) for row in marked}
    saved = session.scalars(select(Saved).where(Saved.profile_id == profile_id))
    reviews = session.scalars(select(Review).where(Review.profile_id == profile_id))
    return Collection(
        _newest({entry.movie_id: entry for entry in rated} | watched),
        _newest({row.movie_id: Entry(row.movie_id, row.saved_at, stars.get(row.movie_id)) for row in saved}),
        _newest({entry.movie_id: entry for entry in rated}),
        _newest(
            {row.movie_id: Entry(row.movie_id, row.written_at, stars.get(row.movie_id), row.text) for row in reviews}
        ),
    )


def _newest(entries: dict[int, Entry]) -> list[Entry]:
    return sorted(entries.values(), key=lambda entry: (entry.at, entry.movie_id), reverse=True)


def exported(session: Session, visitor: Visitor) -> dict[str, Any]:
    """Everything that is kept of the visitor but the password's hash: an account's whole, or a guest's profile."""
    account = session.get(Account, visitor.account_id) if visitor.account_id else None
    mine = (
        Profile.account_id == visitor.account_id
        if visitor.account_id
        else Profile.id == (visitor.profile.id if visitor.profile else None)
    )
    profiles = session.scalars(select(Profile).where(mine).order_by(Profile.created_at, Profile.id))
    return {
        "account": {"name": account.name, "created_at": account.created_at.isoformat()} if account else None,
        "profiles": [_exported(session, profile) for profile in profiles],
    }


def _exported(session: Session, profile: Profile) -> dict[str, Any]:
    lists: dict[str, Any] = {}
    for name, record, columns in (
        ("ratings", Rating, ("movie_id", "rating", "rated_at")),
        ("reviews", Review, ("movie_id", "text", "written_at", "edited_at")),
        ("watchlist", Saved, ("movie_id", "saved_at")),
        ("watched", Watched, ("movie_id", "watched_at")),
    ):
        rows = session.scalars(select(record).where(record.profile_id == profile.id).order_by(record.movie_id))
        lists[name] = [{column: _plain(getattr(row, column)) for column in columns} for row in rows]
    return {"name": profile.name, "created_at": profile.created_at.isoformat()} | lists


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
