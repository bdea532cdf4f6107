"""Run by Alembic, on the connection from Database, or on MOVIEREC_DATABASE_URL from the command line."""

from alembic import context
from sqlalchemy import Connection

from movierec.settings import Settings
from serving.community.database import Database, build_database_url
from serving.community.models import Record


def run_migrations(connection: Connection) -> None:
    """Runs the migrations on this connection."""
    context.configure(
        connection=connection,
        target_metadata=Record.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run_migrations(given)
else:
    database = Database(build_database_url(Settings.from_environment()))
    with database.engine.connect().execution_options(writes=True) as connection, connection.begin():
        run_migrations(connection)
