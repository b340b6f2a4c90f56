"""Letters to customers, and what the check for overdue orders found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("overdue_at", "stalled_at"):
        op.add_column("order", sa.Column(name, sa.DateTime(timezone=True)))
    op.create_table(
        "email",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("parked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("num_nulls(sent_at, parked_at) > 0", name="ck_email_sent_or_parked"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_email_customer_id"),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name="fk_email_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_email"),
        sa.UniqueConstraint("event_id", "kind", name="uq_email_event_id_kind"),
    )
    op.create_index(
        "ix_email_waiting",
        "email",
        ["due_at"],
        postgresql_where=sa.text("sent_at IS NULL AND parked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("email")
    for name in ("stalled_at", "overdue_at"):
        op.drop_column("order", name)
