"""An order that is changed is submitted again; orders that were sent back are found quickly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "order", sa.Column("submission", sa.Integer(), nullable=False, server_default="1")
    )
    op.create_index(
        "ix_order_history_sent_back",
        "order_history",
        ["order_id", "sequence"],
        postgresql_where=sa.text("from_state = 'CONFIRMED' AND to_state = 'PRICE_CALCULATED'"),
    )


def downgrade() -> None:
    op.drop_index("ix_order_history_sent_back", table_name="order_history")
    op.drop_column("order", "submission")
