"""Which orders stand where a seller has sent them back to, and why, for those who list orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.shop import Order, OrderHistory
from atelier.domain.lifecycle import SENT_BACK

_BEFORE, _AFTER = SENT_BACK

# The states as literals: only so does the partial index fit.
_LAST_STEP: Final = sa.and_(
    OrderHistory.order_id == Order.id,
    OrderHistory.sequence == Order.sequence,
    OrderHistory.from_state == sa.literal_column(f"'{_BEFORE}'"),
    OrderHistory.to_state == sa.literal_column(f"'{_AFTER}'"),
)


def is_sent_back() -> sa.ColumnElement[bool]:
    """`lifecycle.is_sent_back`, as a condition on orders."""
    return sa.and_(Order.state == _AFTER, sa.exists().where(_LAST_STEP))


async def reasons(session: AsyncSession, orders: Sequence[Order]) -> Mapping[UUID, str]:
    """Of these orders those that are sent back, by id, each with what the seller said."""
    some = [order.id for order in orders if order.state is _AFTER]
    if not some:
        return {}
    query = (
        sa.select(Order.id, sa.func.coalesce(OrderHistory.reason, ""))
        .join(OrderHistory, _LAST_STEP)
        .where(Order.id.in_(some))
    )
    return {row[0]: row[1] for row in await session.execute(query)}
