"""How the address of a database is told to SQLAlchemy."""

from __future__ import annotations

import sqlalchemy as sa


def driver_url(address: str) -> sa.URL:
    """The plain `postgresql://…` as SQLAlchemy needs it to connect by psycopg.

    >>> driver_url("postgresql://anna@db/shop").render_as_string()
    'postgresql+psycopg://anna@db/shop'
    """
    return sa.make_url(address).set(drivername="postgresql+psycopg")
