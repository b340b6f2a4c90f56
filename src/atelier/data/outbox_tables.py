"""The three tables that make messaging reliable. Every database of the platform has them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

_METADATA = sa.MetaData()

# Each database's own metadata takes a copy (`outbox.to_metadata(…)`), so that its migrations know
# them; statements are built on these originals and are the same in every database.
outbox = sa.Table(
    "outbox",
    _METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("event_id", sa.Uuid, nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Column("traceparent", sa.Text),  # the span that made the event, where one was recorded
    # The relay asks for the oldest unpublished ones; the index holds nothing else.
    sa.Index("ix_outbox_unpublished", "id", postgresql_where=sa.text("published_at IS NULL")),
    # Reconciliation asks for those of the last minutes, pruning for the old ones.
    sa.Index("ix_outbox_published_at", "published_at"),
)

consumed_event = sa.Table(
    "consumed_event",
    _METADATA,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Uuid, primary_key=True),
    sa.Column(
        "consumed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
)

inbox = sa.Table(
    "inbox",
    _METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("consumer", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Uuid),
    sa.Column("type", sa.Text),
    # As it came: what is no event waits here, too, and JSON can hold what JSONB cannot.
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
    sa.Column("died_at", sa.DateTime(timezone=True)),
    sa.Column(
        "received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.UniqueConstraint("consumer", "message_id"),
    sa.Index("ix_inbox_due", "consumer", "not_before", postgresql_where=sa.text("died_at IS NULL")),
    sa.Index(
        "ix_inbox_order_id",
        "consumer",
        "order_id",
        postgresql_where=sa.text("died_at IS NULL"),
    ),
)
