"""Orders that were begun and never submitted: how long they are kept, and how they go.

Whoever goes on with one holds its row (`orders.move`). Such a row is passed over; and who comes
while it is being removed waits, and then is told that there is no such order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.shop import Email, Estimate, Order, OrderHistory, OrderNote
from atelier.domain.lifecycle import BEFORE_SUBMISSION


def kept_until(order: Order, days: int) -> datetime | None:
    """When an order may go that nobody goes on with; None for one that was submitted, even if it
    was changed since."""
    if order.state not in BEFORE_SUBMISSION or order.submission > 1:
        return None
    return order.updated_at + timedelta(days=days)


async def remove_one(
    session: AsyncSession, before: datetime, discard: Callable[[str], Awaitable[None]]
) -> bool:
    """Remove an order that nobody has gone on with since `before`; False where there is none.

    `discard` is told the checksum of its model, unless something else is made of the same file. It
    goes first: where the store is away, the order is still there to be removed another time.
    """
    query = (
        sa.select(Order)
        .where(Order.state.in_(BEFORE_SUBMISSION), Order.submission == 1, Order.updated_at < before)
        .order_by(Order.updated_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    order = await session.scalar(query)
    if order is None:
        return False
    if order.model_checksum is not None and not await _is_of_others(session, order):
        await discard(order.model_checksum)
    for table in (OrderHistory, OrderNote, Email):
        await session.execute(sa.delete(table).where(table.order_id == order.id))
    await session.delete(order)
    return True


async def _is_of_others(session: AsyncSession, order: Order) -> bool:
    orders = sa.exists().where(Order.model_checksum == order.model_checksum, Order.id != order.id)
    estimates = sa.exists().where(Estimate.model_checksum == order.model_checksum)
    return bool(await session.scalar(sa.select(orders | estimates)))
