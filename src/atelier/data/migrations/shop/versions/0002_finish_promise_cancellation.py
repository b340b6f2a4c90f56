"""Finish, price broken down, promised date, tracking number, cancellations, reasons."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS: dict[str, Any] = {
    "finish": sa.String(32),
    "metal_cost": sa.Numeric(12, 2),
    "making_cost": sa.Numeric(12, 2),
    "finish_cost": sa.Numeric(12, 2),
    "failure_code": sa.String(32),
    "promised_at": sa.DateTime(timezone=True),
    "tracking_number": sa.String(64),
    "cancellation_requested_by": sa.Text(),
    "cancellation_reason": sa.Text(),
    "cancellation_refused_at": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.add_column("order", sa.Column(name, kind))
    op.add_column("order_history", sa.Column("reason", sa.Text()))
    # Until now every piece was polished.
    op.execute("""UPDATE "order" SET finish = 'polished' WHERE metal IS NOT NULL""")


def downgrade() -> None:
    op.drop_column("order_history", "reason")
    for name in reversed(_COLUMNS):
        op.drop_column("order", name)
