"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("name_key", sa.String(160), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name_key", name="uq_accounts_name_key"),
    )
    op.create_table(
        "profiles",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("colour", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_profiles"),
        _belongs_to("accounts", "account_id", table="profiles"),
    )
    op.create_index("ix_profiles_account_id", "profiles", ["account_id"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.Uuid),
        sa.Column("profile_id", sa.Uuid, nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
        _belongs_to("accounts", "account_id", table="sessions"),
        _belongs_to("profiles", "profile_id", table="sessions"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_profile_id", "sessions", ["profile_id"])
    half_stars = "rating >= 0.5 AND rating <= 5 AND rating * 2 = round(rating * 2)"
    _table_of_a_movie(
        "ratings",
        sa.Column("rating", sa.Float(53), nullable=False),
        sa.Column("rated_at", MOMENT, nullable=False),
        sa.CheckConstraint(half_stars, name="ck_ratings_half_stars"),
    )
    _table_of_a_movie(
        "reviews",
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("edited_at", MOMENT),
    )
    op.create_index("ix_reviews_movie_id_written_at", "reviews", ["movie_id", "written_at"])
    _table_of_a_movie("watchlist", sa.Column("saved_at", MOMENT, nullable=False))
    _table_of_a_movie("watched", sa.Column("watched_at", MOMENT, nullable=False))
    op.create_table(
        "attempts",
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("what", "who", "ends_at", name="pk_attempts"),
    )
    op.create_index("ix_attempts_ends_at", "attempts", ["ends_at"])


def downgrade() -> None:
    for table in ("attempts", "watched", "watchlist", "reviews", "ratings", "sessions", "profiles", "accounts"):
        op.drop_table(table)


def _table_of_a_movie(table: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("profile_id", sa.Uuid, nullable=False),
        sa.Column("movie_id", sa.Integer, autoincrement=False, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("profile_id", "movie_id", name=f"pk_{table}"),
        _belongs_to("profiles", "profile_id", table=table),
    )


def _belongs_to(parent: str, column: str, *, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")
