"""Events leave a service only through the transaction that makes them true."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.messaging.event import Event
from atelier.messaging.tables import outbox


async def append(session: AsyncSession, event: Event) -> None:
    """Put `event` into the outbox; it is published if, and only if, the transaction commits."""
    await session.execute(
        sa.insert(outbox).values(event_id=event.id, type=event.type, body=event.to_dict())
    )
