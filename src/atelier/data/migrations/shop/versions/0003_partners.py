"""Partners: limits, labelled keys, idempotency keys that end, estimates, webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for limit in ("burst", "burst_window", "daily_quota"):
        op.add_column("partner", sa.Column(limit, sa.Integer()))
    # Keys that are there already have no label; new rows bring theirs.
    op.add_column("api_key", sa.Column("label", sa.Text(), nullable=False, server_default=""))
    op.alter_column("api_key", "label", server_default=None)
    op.create_index(
        "ix_idempotency_key_partner_id_created_at", "idempotency_key", ["partner_id", "created_at"]
    )
    op.create_table(
        "estimate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("metal", sa.String(32), nullable=False),
        sa.Column("finish", sa.String(32), nullable=False),
        sa.Column("model_checksum", sa.String(64), nullable=False),
        sa.Column("price", sa.Numeric(12, 2)),
        sa.Column("metal_cost", sa.Numeric(12, 2)),
        sa.Column("making_cost", sa.Numeric(12, 2)),
        sa.Column("finish_cost", sa.Numeric(12, 2)),
        sa.Column("volume_mm3", sa.Numeric(14, 3)),
        sa.Column("weight_g", sa.Numeric(14, 3)),
        sa.Column("failure", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name="fk_estimate_partner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_estimate"),
    )
    op.create_index("ix_estimate_partner_id_created_at", "estimate", ["partner_id", "created_at"])
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name="fk_webhook_endpoint_partner_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoint"),
    )
    op.create_index("ix_webhook_endpoint_partner_id", "webhook_endpoint", ["partner_id"])
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
            name="fk_webhook_delivery_endpoint_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name="fk_webhook_delivery_order_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
        sa.UniqueConstraint(
            "endpoint_id", "event_id", name="uq_webhook_delivery_endpoint_id_event_id"
        ),
    )
    op.create_index(
        "ix_webhook_delivery_endpoint_id_order_id_sequence",
        "webhook_delivery",
        ["endpoint_id", "order_id", "sequence"],
    )
    op.create_index(
        "ix_webhook_delivery_due",
        "webhook_delivery",
        ["next_attempt_at"],
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_index(
        "ix_webhook_delivery_endpoint_id_created_at",
        "webhook_delivery",
        ["endpoint_id", "created_at"],
    )


def downgrade() -> None:
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_endpoint")
    op.drop_table("estimate")
    op.drop_index("ix_idempotency_key_partner_id_created_at")
    op.drop_column("api_key", "label")
    for limit in ("daily_quota", "burst_window", "burst"):
        op.drop_column("partner", limit)
