"""Writes down which letters are due."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.shop import Email, Order
from atelier.mail.kinds import kind_of
from atelier.messaging.event import Event
from atelier.messaging.handler import Refused


async def handle(session: AsyncSession, event: Event, written: Callable[[], None]) -> None:
    """Note the letter that `event` leads to, once; `written` is called after the commit.

    Orders of partners lead to none. Raises Refused.
    """
    kind = kind_of(event)
    if kind is None:
        raise Refused(f"nobody gets an e-mail about events of type {event.type!r}")
    customer = await session.scalar(sa.select(Order.customer_id).where(Order.id == event.order_id))
    if customer is None:
        return
    await session.execute(
        insert(Email)
        .values(
            event_id=event.id,
            kind=kind,
            order_id=event.order_id,
            customer_id=customer,
            reason=event.data.get("reason"),
        )
        .on_conflict_do_nothing(index_elements=["event_id", "kind"])
    )
    sa.event.listen(session.sync_session, "after_commit", lambda _: written(), once=True)
