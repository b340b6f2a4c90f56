"""Addresses are confirmed before letters about orders go to them; those that exist are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("confirmed_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE customer SET confirmed_at = now()")
    op.alter_column("email", "order_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_email_about_an_order"), "email", "(order_id IS NULL) = (kind = 'confirmation')"
    )
    op.create_index("ix_email_customer_id", "email", ["customer_id"])


def downgrade() -> None:
    op.drop_index("ix_email_customer_id", "email")
    op.drop_constraint(op.f("ck_email_about_an_order"), "email")
    op.execute("DELETE FROM email WHERE order_id IS NULL")
    op.alter_column("email", "order_id", nullable=False)
    op.drop_column("customer", "confirmed_at")
