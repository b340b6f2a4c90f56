"""Writes events into the outbox, in the transaction that makes the change of which they tell."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.outbox_tables import outbox
from atelier.messaging.event import Event
from atelier.messaging.spans import status_change
from atelier.telemetry import tracing


async def append(session: AsyncSession, event: Event) -> None:
    """Put `event` into the outbox; it is published if, and only if, the transaction commits.

    The row keeps the context of the current span, which is told what became of the order.
    """
    tracing.note({"atelier.order.id": str(event.order_id), **status_change(event)})
    await session.execute(
        sa.insert(outbox).values(
            event_id=event.id,
            type=event.type,
            body=event.to_dict(),
            traceparent=tracing.header(),
        )
    )
