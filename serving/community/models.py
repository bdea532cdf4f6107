"""The tables of the site's database. Their ids are UUIDs, so none can be mistaken for a `user_id` of the data set."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, DateTime, Float, ForeignKey, Index, MetaData, String, Text, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A date and time in UTC. SQLite does not store the zone, so it is added when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Record(DeclarativeBase):
    """The base class of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, UUID: Uuid, float: Float(53)}


class Account(Record):
    """Somebody who can sign in. `name_key` is the name in the form in which names are compared;

    `password` is a hash.
    """

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(40))
    name_key: Mapped[str] = mapped_column(String(160), unique=True)
    password: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Profile(Record):
    """The owner of ratings, reviews and lists. Without an account it belongs to a guest."""

    __tablename__ = "profiles"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    colour: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class BrowserSession(Record):
    """A browser's session, of an account or a guest. Only a hash of its token is stored."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profiles.id", ondelete="CASCADE"), index=True)
    agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class MovieRecord(Record):
    """The base class of tables with one row for each profile and movie."""

    __abstract__ = True

    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True)
    movie_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Rating(MovieRecord):
    """A rating of 0.5 to 5 in steps of 0.5."""

    __tablename__ = "ratings"
    __table_args__ = (
        CheckConstraint("rating >= 0.5 AND rating <= 5 AND rating * 2 = round(rating * 2)", name="half_stars"),
    )

    rating: Mapped[float]
    rated_at: Mapped[datetime]


class Review(MovieRecord):
    """A review; `edited_at` is None until its text is changed."""

    __tablename__ = "reviews"
    __table_args__ = (Index(None, "movie_id", "written_at"),)

    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]


class SavedMovie(MovieRecord):
    """A movie on the watchlist."""

    __tablename__ = "watchlist"

    saved_at: Mapped[datetime]


class WatchedMovie(MovieRecord):
    """A movie marked as watched. Rated movies count as watched without a row here."""

    __tablename__ = "watched"

    watched_at: Mapped[datetime]


class Attempts(Record):
    """The number of attempts in a period; `who` is a keyed hash or an id of this database, never an address or name."""

    __tablename__ = "attempts"

    what: Mapped[str] = mapped_column(String(40), primary_key=True)
    who: Mapped[str] = mapped_column(String(64), primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]


MOVIE_RECORDS: tuple[type[Rating] | type[Review] | type[SavedMovie] | type[WatchedMovie], ...] = (
    Rating,
    Review,
    SavedMovie,
    WatchedMovie,
)
