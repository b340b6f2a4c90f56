"""The factory is told where a piece is to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("work_order", sa.Column("address", postgresql.JSONB()))
    op.add_column(
        "work_order",
        sa.Column("address_version", sa.Integer(), nullable=False, server_default="0"),
    )


def downgrade() -> None:
    op.drop_column("work_order", "address_version")
    op.drop_column("work_order", "address")
