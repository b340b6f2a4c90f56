"""Finish, promised date, tracking number, the order's own sequence, reasons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("work_order_history", sa.Column("reason", sa.Text()))
    op.add_column("work_order", sa.Column("promised_at", sa.DateTime(timezone=True)))
    op.add_column("work_order", sa.Column("tracking_number", sa.String(64)))
    # Until now every piece was polished, and each step of the factory was one of the order: a
    # customer's order has had two steps before the factory was told of it, a partner's none.
    op.add_column("work_order", sa.Column("finish", sa.String(32)))
    op.add_column("work_order", sa.Column("order_sequence", sa.Integer()))
    op.execute(
        "UPDATE work_order SET finish = 'polished', "
        "order_sequence = sequence + CASE source WHEN 'shop' THEN 2 ELSE 0 END"
    )
    op.alter_column("work_order", "finish", nullable=False)
    op.alter_column("work_order", "order_sequence", nullable=False)


def downgrade() -> None:
    for name in ("order_sequence", "finish", "tracking_number", "promised_at"):
        op.drop_column("work_order", name)
    op.drop_column("work_order_history", "reason")
