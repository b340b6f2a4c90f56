"""Alembic's view of the two databases.

A new revision, with the database's variable set and the database up to date:

    alembic -c src/atelier/data/migrations/alembic.ini -n shop revision --autogenerate -m "what"
"""

from __future__ import annotations

import os

import sqlalchemy as sa
from alembic import context

from atelier.data.address import driver_url


def run(metadata: sa.MetaData, variable: str) -> None:
    """What both env.py do: use the given connection, or else the database that the environment
    variable names."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(metadata, given)
        return
    url = driver_url(os.environ[variable])
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        _run(metadata, connection)


def _run(metadata: sa.MetaData, connection: sa.Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata)
    context.run_migrations()
