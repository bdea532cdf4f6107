"""What a profile says of movies: ratings, reviews, what it saved and what it has watched."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, literal, select, union_all
from sqlalchemy.orm import Session

from serving.community.models import Account, Profile, Rating, Review, Saved, Watched
from serving.community.upserts import put, put_if_new

STARS = tuple(half / 2 for half in range(1, 11))

# Made once: every search of who is known asks it.
LISTS = union_all(
    *(
        select(literal(is_saved), record.movie_id).where(record.profile_id == bindparam("profile_id"))
        for record, is_saved in ((Rating, False), (Watched, False), (Saved, True))
    )
)


class Opinion(NamedTuple):
    """Of one profile on one movie."""

    rating: float | None = None
    is_saved: bool = False
    is_watched: bool = False


class WrittenReview(NamedTuple):
    """`author` is empty for a guest; `rating` is the author's own, now."""

    author: str
    colour: int
    text: str
    written_at: datetime
    edited_at: datetime | None
    rating: float | None


def opinion(session: Session, profile_id: UUID, movie_id: int) -> Opinion:
    """Whatever is rated counts as watched."""
    key = (profile_id, movie_id)
    rating = session.get(Rating, key)
    return Opinion(
        rating.rating if rating else None,
        is_saved=session.get(Saved, key) is not None,
        is_watched=rating is not None or session.get(Watched, key) is not None,
    )


def rate(session: Session, profile_id: UUID, movie_id: int, rating: float | None, *, now: datetime) -> float | None:
    """Puts the rating, or takes it away with None; gives the one before. The same again changes nothing."""
    before = session.get(Rating, (profile_id, movie_id))
    value = before.rating if before else None
    if rating is None:
        session.execute(delete(Rating).where(Rating.profile_id == profile_id, Rating.movie_id == movie_id))
    elif rating != value:
        put(session, Rating, profile_id=profile_id, movie_id=movie_id, rating=rating, rated_at=now)
    session.expire_all()
    return value


def review(session: Session, profile_id: UUID, movie_id: int, text: str, *, now: datetime) -> None:
    """A second one takes the place of the first; the same again changes nothing."""
    found = session.get(Review, (profile_id, movie_id))
    if found is None:
        put(session, Review, profile_id=profile_id, movie_id=movie_id, text=text, written_at=now)
    elif found.text != text:
        found.text, found.edited_at = text, now


def unreview(session: Session, profile_id: UUID, movie_id: int) -> None:
    session.execute(delete(Review).where(Review.profile_id == profile_id, Review.movie_id == movie_id))


def save(session: Session, profile_id: UUID, movie_id: int, *, is_on: bool, now: datetime) -> None:
    if is_on:
        put_if_new(session, Saved, profile_id=profile_id, movie_id=movie_id, saved_at=now)
    else:
        session.execute(delete(Saved).where(Saved.profile_id == profile_id, Saved.movie_id == movie_id))


def watch(session: Session, profile_id: UUID, movie_id: int, *, is_on: bool, now: datetime) -> None:
    """A movie that is rated stays watched, whatever is said here."""
    if is_on:
        put_if_new(session, Watched, profile_id=profile_id, movie_id=movie_id, watched_at=now)
    else:
        session.execute(delete(Watched).where(Watched.profile_id == profile_id, Watched.movie_id == movie_id))


def own_review(session: Session, profile_id: UUID, movie_id: int) -> Review | None:
    return session.get(Review, (profile_id, movie_id))


def reviews_of(session: Session, movie_id: int, *, but: UUID | None, limit: int, offset: int) -> list[WrittenReview]:
    """Those of others, newest first."""
    rows = session.execute(
        select(Review, Profile, Account.id, Rating.rating)
        .join(Profile, Profile.id == Review.profile_id)
        .outerjoin(Account, Account.id == Profile.account_id)
        .outerjoin(Rating, (Rating.profile_id == Review.profile_id) & (Rating.movie_id == Review.movie_id))
        .where(Review.movie_id == movie_id, *([Review.profile_id != but] if but else []))
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


def n_reviews(session: Session, movie_id: int, *, but: UUID | None) -> int:
    mine = [Review.profile_id != but] if but else []
    return session.scalar(select(func.count()).select_from(Review).where(Review.movie_id == movie_id, *mine)) or 0


def ratings_of(session: Session, profile_id: UUID) -> list[tuple[int, float]]:
    """`(movie_id, rating)`, oldest first, as the fold-in wants them."""
    rows = session.execute(
        select(Rating.movie_id, Rating.rating)
        .where(Rating.profile_id == profile_id)
        .order_by(Rating.rated_at, Rating.movie_id)
    )
    return [(movie_id, rating) for movie_id, rating in rows]


def n_ratings_of(session: Session, profile_id: UUID) -> int:
    return session.scalar(select(func.count()).select_from(Rating).where(Rating.profile_id == profile_id)) or 0


def seen_and_saved(session: Session, profile_id: UUID) -> tuple[set[int], set[int]]:
    """The ids of the movies that were watched or rated, and of those on the watchlist."""
    seen: set[int] = set()
    saved: set[int] = set()
    for is_saved, movie_id in session.execute(LISTS, {"profile_id": profile_id}):
        (saved if is_saved else seen).add(movie_id)
    return seen, saved
