"""Notes of sellers, and the indexes that the CRM's search needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Any part of these is searched for, without regard to case.
_SEARCHED = (
    ("customer", "email"),
    ("customer", "name"),
    ("order", "number"),
    ("order", "reference"),
)


def upgrade() -> None:
    op.create_table(
        "order_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name="fk_order_note_order_id"),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name="fk_order_note_seller_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order_note"),
    )
    op.create_index("ix_order_note_order_id_created_at", "order_note", ["order_id", "created_at"])
    op.create_index("ix_order_state_created_at", "order", ["state", "created_at"])
    op.create_index(
        "ix_order_promised",
        "order",
        ["promised_at"],
        postgresql_where=sa.text("state NOT IN ('SHIPPED', 'CLOSED', 'CANCELLED')"),
    )
    op.create_index("ix_customer_created_at", "customer", ["created_at"])
    op.execute("CREATE EXTENSION pg_trgm")
    for table, column in _SEARCHED:
        op.create_index(
            f"ix_{table}_{column}_part",
            table,
            [column],
            postgresql_using="gin",
            postgresql_ops={column: "gin_trgm_ops"},
        )


def downgrade() -> None:
    for table, column in _SEARCHED:
        op.drop_index(f"ix_{table}_{column}_part", table)
    op.execute("DROP EXTENSION pg_trgm")
    op.drop_index("ix_customer_created_at", "customer")
    op.drop_index("ix_order_promised", "order")
    op.drop_index("ix_order_state_created_at", "order")
    op.drop_table("order_note")
