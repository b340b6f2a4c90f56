"""The factory is told the design of a ring that was drawn in the constructor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("work_order", sa.Column("design", postgresql.JSONB()))


def downgrade() -> None:
    op.drop_column("work_order", "design")
