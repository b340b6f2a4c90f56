"""Loaded by Alembic for every command on the `shop` database."""

from __future__ import annotations

from atelier.data.migrations import run
from atelier.data.shop import Base

run(Base.metadata, "ATELIER_SHOP_DATABASE")
