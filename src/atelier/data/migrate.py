"""Brings the databases to the newest version."""

from __future__ import annotations

from pathlib import Path

import alembic.command
import sqlalchemy as sa
import sqlalchemy.dialects.postgresql.psycopg  # here, so that a forked process need not
from alembic.config import Config

from atelier.data import migrations
from atelier.data.address import driver_url
from atelier.settings import settings

_MIGRATIONS = Path(migrations.__file__).parent
_LOCK = 0x0A1E3B1C  # any number, but the same in every process


def migrate() -> None:
    """Upgrade both databases; leave one that is up to date as it is. Raises BadSettings."""
    upgrade("shop", settings().shop_database)
    upgrade("mes", settings().mes_database)


def upgrade(database: str, url: str) -> None:
    """`database` is "shop" or "mes", `url` its plain `postgresql://…`."""
    engine = sa.create_engine(
        driver_url(url),
        poolclass=sa.NullPool,
        use_native_hstore=False,
    )
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS / database))
    # One transaction: a migration that fails leaves the database as it was.
    with engine.begin() as connection:
        # Several processes may be deployed at the same time.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
