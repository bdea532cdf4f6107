"""Ratings, reviews, and the saved and watched marks of profiles."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, literal, select, union_all
from sqlalchemy.orm import Session

from serving.community.models import Account, Profile, Rating, Review, SavedMovie, WatchedMovie
from serving.community.upserts import insert_if_new, upsert_record

RATING_STEPS = tuple(half / 2 for half in range(1, 11))

# Made once: every search of who is known asks it.
SEEN_AND_SAVED_QUERY = union_all(
    *(
        select(literal(is_saved), record.movie_id).where(record.profile_id == bindparam("profile_id"))
        for record, is_saved in ((Rating, False), (WatchedMovie, False), (SavedMovie, True))
    )
)


class Opinion(NamedTuple):
    """What one profile says about one movie."""

    rating: float | None = None
    is_saved: bool = False
    is_watched: bool = False


class WrittenReview(NamedTuple):
    """A review as others see it. `author` is empty for a guest; `rating` is the author's current one."""

    author: str
    colour: int
    text: str
    written_at: datetime
    edited_at: datetime | None
    rating: float | None


def load_opinion(session: Session, profile_id: UUID, movie_id: int) -> Opinion:
    """The profile's opinion of a movie. A rated movie counts as watched."""
    key = (profile_id, movie_id)
    rating = session.get(Rating, key)
    return Opinion(
        rating.rating if rating else None,
        is_saved=session.get(SavedMovie, key) is not None,
        is_watched=rating is not None or session.get(WatchedMovie, key) is not None,
    )


def set_rating(
    session: Session, profile_id: UUID, movie_id: int, rating: float | None, *, now: datetime
) -> float | None:
    """Stores the rating, or deletes it if None; returns the one before. The same rating again keeps its date."""
    before = session.get(Rating, (profile_id, movie_id))
    value = before.rating if before else None
    if rating is None:
        session.execute(delete(Rating).where(Rating.profile_id == profile_id, Rating.movie_id == movie_id))
    elif rating != value:
        upsert_record(session, Rating, profile_id=profile_id, movie_id=movie_id, rating=rating, rated_at=now)
    session.expire_all()
    return value


def set_review(session: Session, profile_id: UUID, movie_id: int, text: str, *, now: datetime) -> None:
    """Stores the review, replacing an older one. The same text again keeps its date."""
    found = session.get(Review, (profile_id, movie_id))
    if found is None:
        upsert_record(session, Review, profile_id=profile_id, movie_id=movie_id, text=text, written_at=now)
    elif found.text != text:
        found.text, found.edited_at = text, now


def delete_review(session: Session, profile_id: UUID, movie_id: int) -> None:
    """Deletes the review, if there is one."""
    session.execute(delete(Review).where(Review.profile_id == profile_id, Review.movie_id == movie_id))


def set_saved(session: Session, profile_id: UUID, movie_id: int, *, is_on: bool, now: datetime) -> None:
    """Puts the movie on the watchlist or takes it off."""
    if is_on:
        insert_if_new(session, SavedMovie, profile_id=profile_id, movie_id=movie_id, saved_at=now)
    else:
        session.execute(delete(SavedMovie).where(SavedMovie.profile_id == profile_id, SavedMovie.movie_id == movie_id))


def set_watched(session: Session, profile_id: UUID, movie_id: int, *, is_on: bool, now: datetime) -> None:
    """Marks the movie as watched or removes the mark. A rated movie counts as watched either way."""
    if is_on:
        insert_if_new(session, WatchedMovie, profile_id=profile_id, movie_id=movie_id, watched_at=now)
    else:
        session.execute(
            delete(WatchedMovie).where(WatchedMovie.profile_id == profile_id, WatchedMovie.movie_id == movie_id)
        )


def find_review(session: Session, profile_id: UUID, movie_id: int) -> Review | None:
    """The profile's review of the movie, None without one."""
    return session.get(Review, (profile_id, movie_id))


def list_reviews(
    session: Session, movie_id: int, *, excluded_profile: UUID | None, limit: int, offset: int
) -> list[WrittenReview]:
    """Reviews of the movie except those of `excluded_profile`, newest first."""
    rows = session.execute(
        select(Review, Profile, Account.id, Rating.rating)
        .join(Profile, Profile.id == Review.profile_id)
        .outerjoin(Account, Account.id == Profile.account_id)
        .outerjoin(Rating, (Rating.profile_id == Review.profile_id) & (Rating.movie_id == Review.movie_id))
        .where(Review.movie_id == movie_id, *([Review.profile_id != excluded_profile] if excluded_profile else []))
        .order_by(Review.written_at.desc(), Review.profile_id)
        .limit(limit)
        .offset(offset)
    )
    return [
        WrittenReview(
            profile.name if account else "", profile.colour, found.text, found.written_at, found.edited_at, rating
        )
        for found, profile, account, rating in rows
    ]


def count_reviews(session: Session, movie_id: int, *, excluded_profile: UUID | None) -> int:
    """The number of reviews of the movie except those of `excluded_profile`."""
    mine = [Review.profile_id != excluded_profile] if excluded_profile else []
    return session.scalar(select(func.count()).select_from(Review).where(Review.movie_id == movie_id, *mine)) or 0


def list_ratings(session: Session, profile_id: UUID) -> list[tuple[int, float]]:
    """`(movie_id, rating)`, oldest first, as the recommender expects them."""
    rows = session.execute(
        select(Rating.movie_id, Rating.rating)
        .where(Rating.profile_id == profile_id)
        .order_by(Rating.rated_at, Rating.movie_id)
    )
    return [(movie_id, rating) for movie_id, rating in rows]


def count_ratings(session: Session, profile_id: UUID) -> int:
    """The number of the profile's ratings."""
    return session.scalar(select(func.count()).select_from(Rating).where(Rating.profile_id == profile_id)) or 0


def load_seen_and_saved(session: Session, profile_id: UUID) -> tuple[set[int], set[int]]:
    """The ids of watched or rated movies, and those of the watchlist."""
    seen: set[int] = set()
    saved: set[int] = set()
    for is_saved, movie_id in session.execute(SEEN_AND_SAVED_QUERY, {"profile_id": profile_id}):
        (saved if is_saved else seen).add(movie_id)
    return seen, saved
