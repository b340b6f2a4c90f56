"""The two tables that make messaging reliable. Every database of the platform has them."""

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
