"""The shop's tables, with outbox and consumed events."""

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
        "customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language IN ('en', 'ru')", name="ck_customer_language_known"),
        sa.CheckConstraint("email = lower(email)", name="ck_customer_email_lower_case"),
        sa.PrimaryKeyConstraint("id", name="pk_customer"),
        sa.UniqueConstraint("email", name="uq_customer_email"),
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
        "partner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_partner"),
    )
    op.create_table(
        "seller",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.CheckConstraint("email = lower(email)", name="ck_seller_email_lower_case"),
        sa.PrimaryKeyConstraint("id", name="pk_seller"),
        sa.UniqueConstraint("email", name="uq_seller_email"),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_api_key_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("key_hash", name="uq_api_key_key_hash"),
    )
    op.create_index("ix_api_key_partner_id", "api_key", ["partner_id"])
    op.create_table(
        "order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(16), nullable=False),
        sa.Column("customer_id", sa.Uuid()),
        sa.Column("partner_id", sa.Uuid()),
        sa.Column("reference", sa.Text()),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("metal", sa.String(32)),
        sa.Column("model_checksum", sa.String(64)),
        sa.Column("model_name", sa.Text()),
        sa.Column("model_bytes", sa.Integer()),
        sa.Column("price", sa.Numeric(12, 2)),
        sa.Column("volume_mm3", sa.Numeric(14, 3)),
        sa.Column("weight_g", sa.Numeric(14, 3)),
        sa.Column("failure", sa.Text()),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(customer_id, partner_id) = 1", name="ck_order_one_owner"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_order_customer_id"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_order_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order"),
        sa.UniqueConstraint("number", name="uq_order_number"),
    )
    op.create_index("ix_order_created_at", "order", ["created_at"])
    op.create_index("ix_order_customer_id_created_at", "order", ["customer_id", "created_at"])
    op.create_index("ix_order_partner_id_created_at", "order", ["partner_id", "created_at"])
    op.create_table(
        "idempotency_key",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name="fk_idempotency_key_order_id"),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_idempotency_key_partner_id"
        ),
        sa.PrimaryKeyConstraint("partner_id", "key", name="pk_idempotency_key"),
    )
    op.create_table(
        "order_history",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.String(32)),
        sa.Column("to_state", sa.String(32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name="fk_order_history_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_order_history"),
        sa.UniqueConstraint("event_id", name="uq_order_history_event_id"),
        sa.UniqueConstraint("order_id", "sequence", name="uq_order_history_order_id_sequence"),
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
    op.drop_table("order_history")
    op.drop_table("idempotency_key")
    op.drop_table("order")
    op.drop_table("api_key")
    op.drop_table("seller")
    op.drop_table("partner")
    op.drop_table("outbox")
    op.drop_table("customer")
    op.drop_table("consumed_event")
    op.execute("DROP FUNCTION notify_outbox()")
