"""The factory's tables, with outbox and consumed events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calculation",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("model_checksum", sa.String(64), nullable=False),
        sa.Column("metal", sa.String(32), nullable=False),
        sa.Column("triangles", sa.Integer()),
        sa.Column("volume_mm3", sa.Numeric(14, 3)),
        sa.Column("weight_g", sa.Numeric(14, 3)),
        sa.Column("metal_cost", sa.Numeric(12, 2)),
        sa.Column("making", sa.Numeric(12, 2)),
        sa.Column("finish", sa.Numeric(12, 2)),
        sa.Column("total", sa.Numeric(12, 2)),
        sa.Column("failure_code", sa.String(32)),
        sa.Column("failure", sa.Text()),
        sa.Column("calculated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(total, failure) = 1", name="ck_calculation_price_or_failure"
        ),
        sa.PrimaryKeyConstraint("order_id", name="pk_calculation"),
    )
    op.create_table(
        "consumed_event",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "consumed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("consumer", "event_id", name="pk_consumed_event"),
    )
    op.create_table(
        "operator",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.CheckConstraint("email = lower(email)", name="ck_operator_email_lower_case"),
        sa.PrimaryKeyConstraint("id", name="pk_operator"),
        sa.UniqueConstraint("email", name="uq_operator_email"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
    )
    op.create_index(
        "ix_outbox_unpublished", "outbox", ["id"], postgresql_where=sa.text("published_at IS NULL")
    )
    op.create_table(
        "work_order",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("metal", sa.String(32), nullable=False),
        sa.Column("model_checksum", sa.String(64), nullable=False),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(12, 2)),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("operator_id", sa.Uuid()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('shop', 'partner')", name="ck_work_order_source_known"),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name="fk_work_order_operator_id"),
        sa.PrimaryKeyConstraint("order_id", name="pk_work_order"),
        sa.UniqueConstraint("number", name="uq_work_order_number"),
    )
    op.create_index("ix_work_order_created_at", "work_order", ["created_at"])
    op.create_table(
        "work_order_history",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.String(32)),
        sa.Column("to_state", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["work_order.order_id"], name="fk_work_order_history_order_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_history"),
        sa.UniqueConstraint("event_id", name="uq_work_order_history_event_id"),
        sa.UniqueConstraint("order_id", "sequence", name="uq_work_order_history_order_id_sequence"),
    )
    # One wake-up a statement, which PostgreSQL delivers when the transaction commits.
    op.execute(
        """
        CREATE FUNCTION notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('outbox', '');
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER notify_outbox AFTER INSERT ON outbox
        FOR EACH STATEMENT EXECUTE FUNCTION notify_outbox()
        """
    )


def downgrade() -> None:
    op.drop_table("work_order_history")
    op.drop_table("work_order")
    op.drop_table("outbox")
    op.drop_table("operator")
    op.drop_table("consumed_event")
    op.drop_table("calculation")
    op.execute("DROP FUNCTION notify_outbox()")
