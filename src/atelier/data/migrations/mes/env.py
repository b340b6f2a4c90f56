"""Loaded by Alembic for every command on the `mes` database."""

from __future__ import annotations

from atelier.data.mes import Base
from atelier.data.migrations import run

run(Base.metadata, "ATELIER_MES_DATABASE")
