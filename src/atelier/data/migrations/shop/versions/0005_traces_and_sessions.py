"""The trace of an event in the outbox, and sessions that can be ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ACCOUNTS = ("customer", "seller")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("traceparent", sa.Text()))
    op.create_index("ix_order_state_updated_at", "order", ["state", "updated_at"])
    for table in _ACCOUNTS:
        op.add_column(
            table,
            sa.Column("session_version", sa.Integer(), server_default="0", nullable=False),
        )


def downgrade() -> None:
    for table in _ACCOUNTS:
        op.drop_column(table, "session_version")
    op.drop_index("ix_order_state_updated_at", "order")
    op.drop_column("outbox", "traceparent")
