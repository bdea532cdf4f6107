"""Dagster's storage in PostgreSQL, with the driver that Dagster is written for."""

from typing import Any, Self

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy.engine import make_url


class Psycopg2Storage(DagsterPostgresStorage):
    """Dagster's own storage, which always connects by psycopg2.

    SQLAlchemy 2.1 takes psycopg 3 for an address that names no driver. Dagster writes `with connection` for a
    transaction, as psycopg2 means it; psycopg 3 closes the connection at the end of that block.
    """

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        """The storage of the configuration in dagster.yaml."""
        url = make_url(config_value["postgres_url"]).set(drivername="postgresql+psycopg2")
        return cls(url.render_as_string(hide_password=False), inst_data=inst_data)
