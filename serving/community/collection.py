"""The lists of a profile for the visitor's own page, and the export of all data."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.community.models import Account, BrowserSession, Profile, Rating, Review, SavedMovie, WatchedMovie
from serving.community.sessions import Visitor, is_session_of


class ListEntry(NamedTuple):
    """One movie in a list; `at` is the time it was added."""

    movie_id: int
    at: datetime
    rating: float | None = None
    text: str = ""


class Collection(NamedTuple):
    """The lists of a profile, each newest first. A rated movie also counts as watched."""

    watched: list[ListEntry]
    watchlist: list[ListEntry]
    rated: list[ListEntry]
    reviews: list[ListEntry]


def load_collection(session: Session, profile_id: UUID) -> Collection:
    """Reads the lists of a profile."""
    ratings = session.scalars(select(Rating).where(Rating.profile_id == profile_id)).all()
    stars = {row.movie_id: row.rating for row in ratings}
    rated = [ListEntry(row.movie_id, row.rated_at, row.rating) for row in ratings]
    marked = session.scalars(select(WatchedMovie).where(WatchedMovie.profile_id == profile_id))
    watched = {row.movie_id: ListEntry(row.movie_id, row.watched_at, stars.get(row.movie_id)) for row in marked}
    saved = session.scalars(select(SavedMovie).where(SavedMovie.profile_id == profile_id))
    reviews = session.scalars(select(Review).where(Review.profile_id == profile_id))
    return Collection(
        _sort_newest_first({entry.movie_id: entry for entry in rated} | watched),
        _sort_newest_first(
            {row.movie_id: ListEntry(row.movie_id, row.saved_at, stars.get(row.movie_id)) for row in saved}
        ),
        _sort_newest_first({entry.movie_id: entry for entry in rated}),
        _sort_newest_first(
            {
                row.movie_id: ListEntry(row.movie_id, row.written_at, stars.get(row.movie_id), row.text)
                for row in reviews
            }
        ),
    )


def _sort_newest_first(entries: dict[int, ListEntry]) -> list[ListEntry]:
    return sorted(entries.values(), key=lambda entry: (entry.at, entry.movie_id), reverse=True)


def export_visitor_data(session: Session, visitor: Visitor) -> dict[str, Any]:
    """All data of the visitor except the hashes of password and tokens: of the account, or of the guest's profile."""
    account = session.get(Account, visitor.account_id) if visitor.account_id else None
    mine = (
        Profile.account_id == visitor.account_id
        if visitor.account_id
        else Profile.id == (visitor.profile.id if visitor.profile else None)
    )
    profiles = session.scalars(select(Profile).where(mine).order_by(Profile.created_at, Profile.id))
    return {
        "account": {"name": account.name, "created_at": account.created_at.isoformat()} if account else None,
        "sessions": _export_sessions(session, visitor),
        "profiles": [_export_profile(session, profile) for profile in profiles],
    }


def _export_sessions(session: Session, visitor: Visitor) -> list[dict[str, Any]]:
    columns = ("agent", "created_at", "seen_at", "expires_at")
    rows = session.scalars(
        select(BrowserSession).where(is_session_of(visitor)).order_by(BrowserSession.created_at, BrowserSession.id)
    )
    return [{column: _to_json_value(getattr(row, column)) for column in columns} for row in rows]


def _export_profile(session: Session, profile: Profile) -> dict[str, Any]:
    lists: dict[str, Any] = {}
    for name, record, columns in (
        ("ratings", Rating, ("movie_id", "rating", "rated_at")),
        ("reviews", Review, ("movie_id", "text", "written_at", "edited_at")),
        ("watchlist", SavedMovie, ("movie_id", "saved_at")),
        ("watched", WatchedMovie, ("movie_id", "watched_at")),
    ):
        rows = session.scalars(select(record).where(record.profile_id == profile.id).order_by(record.movie_id))
        lists[name] = [{column: _to_json_value(getattr(row, column)) for column in columns} for row in rows]
    of_profile = ("name", "colour", "created_at", "used_at")
    return {column: _to_json_value(getattr(profile, column)) for column in of_profile} | lists


def _to_json_value(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
