"""How many orders there are in each state, and which letters nobody would take."""

from __future__ import annotations

from functools import partial
from typing import Final

import sqlalchemy as sa
from prometheus_client import Gauge

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Email, Order
from atelier.mail.kinds import OF_ACCOUNTS, Kind
from atelier.telemetry.metrics import REGISTRY
from atelier.telemetry.readings import Reading

_SELDOM: Final = 30.0  # seconds; counting a million orders is not for every scrape

orders: Final = Gauge("atelier_orders", "Orders in each state.", ("state",), registry=REGISTRY)
oldest_order_seconds: Final = Gauge(
    "atelier_oldest_order_seconds",
    "Time since the last step of the order that has been longest in a state.",
    ("state",),
    registry=REGISTRY,
)
letters_parked: Final = Gauge(
    "atelier_letters_parked",
    "Letters to customers that no mail server would take; they wait for a person.",
    ("kind",),
    registry=REGISTRY,
)


def of_orders(shop: Database) -> Reading:
    """Read from the replica, where there is one."""
    look = partial(_count_orders, shop)
    return Reading("orders", look, (orders, oldest_order_seconds), every=_SELDOM)


def of_letters(shop: Database) -> Reading:
    """Those that are not tried any more."""
    return Reading("letters", partial(_count_parked, shop), (letters_parked,))


async def _count_orders(shop: Database) -> None:
    query = sa.select(Order.state, sa.func.count(), sa.func.min(Order.updated_at))
    found = await shop.read(lambda session: session.execute(query.group_by(Order.state)))
    orders.clear()
    oldest_order_seconds.clear()
    for state, count, oldest in found:
        orders.labels(state).set(count)
        oldest_order_seconds.labels(state).set((now() - oldest).total_seconds())


async def _count_parked(shop: Database) -> None:
    query = sa.select(Email.kind, sa.func.count()).where(Email.parked_at.is_not(None))
    async with shop.session() as session:
        rows = await session.execute(query.group_by(Email.kind))
    found = {kind: int(count) for kind, count in rows}
    for kind in (*Kind, *OF_ACCOUNTS):
        letters_parked.labels(kind).set(found.get(kind, 0))
