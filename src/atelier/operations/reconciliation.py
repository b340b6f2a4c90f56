"""Compares what the systems know of the same orders, and sends again what one of them has missed.

Repair writes no state. It publishes an order's events once more, with their own ids: whoever has
consumed one finds its note and does nothing, whoever has missed one follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa

from atelier.data.columns import now
from atelier.data.database import Database
from atelier.data.mes import Calculation, WorkOrder
from atelier.data.shop import Order, OrderHistory, WebhookDelivery, WebhookEndpoint
from atelier.domain.lifecycle import State
from atelier.messaging import topology
from atelier.messaging.broker import Broker
from atelier.messaging.tables import outbox
from atelier.operations import dead_letters

Kind = Literal[
    "missing in mes",
    "unknown to the shop",
    "states differ",
    "prices differ",
    "not answered",
    "not published",
    "not consumed",
    "not told by webhook",
    "dead letter",
]

_BEFORE_WORK: Final = (State.INITIATED, State.FILE_UPLOADED)
_AT_ONCE: Final = 1000  # rows


@dataclass(frozen=True)
class Difference:
    """`repairable` where the order's events, sent again, may help; else only a person can."""

    kind: Kind
    where: str
    detail: str
    order_id: UUID | None = None
    repairable: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "order_id": self.order_id and str(self.order_id)}


@dataclass(frozen=True)
class _Order:
    """What one system knows of an order."""

    id: UUID
    number: str
    state: State
    price: Decimal | None
    changed_at: datetime
    calculated: Decimal | None = None
    calculated_at: datetime | None = None


@dataclass(frozen=True)
class Systems:
    """What is compared. Differences younger than `grace` may be on their way, and are none."""

    shop: Database
    mes: Database
    broker: Broker
    grace: timedelta = timedelta(minutes=1)

    async def differences(self) -> list[Difference]:
        """Everything in which the systems do not agree."""
        settled = now() - self.grace
        found = [
            *await self._dead_letters(),
            *await self._queues(),
            *await _stuck(self.shop, settled),
            *await _stuck(self.mes, settled),
            *await _untold(self.shop, settled),
        ]
        async for ordered, work in _side_by_side(_orders(self.shop), _work_orders(self.mes)):
            found += _compare(ordered, work, settled)
        return found

    async def repair(self, differences: Iterable[Difference]) -> int:
        """Send again what may repair them; the relays publish it. Returns how many events."""
        orders = {str(each.order_id) for each in differences if each.repairable}
        return await _send_again(self.shop, orders) + await _send_again(self.mes, orders)

    async def _dead_letters(self) -> list[Difference]:
        return [
            Difference(
                "dead letter",
                letter.queue,
                f"{letter.type} {letter.id}: {letter.reason}",
                UUID(letter.order_id) if letter.order_id else None,
            )
            for letter in await dead_letters.found(self.broker)
        ]

    async def _queues(self) -> list[Difference]:
        found = []
        async with self.broker.channel() as channel:
            for queue in topology.QUEUES:
                told = (await channel.declare_queue(queue, passive=True)).declaration_result
                if told.message_count and not told.consumer_count:
                    detail = f"{told.message_count} messages wait, and nobody consumes them"
                    found.append(Difference("not consumed", queue, detail))
        return found


async def repaired(
    systems: Systems, left: Sequence[Difference], patience: float
) -> list[Difference]:
    """Repair, and see what is left when it has had its effect, or after `patience` seconds."""
    await systems.repair(left)
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        left = await systems.differences()
        if not any(each.repairable for each in left):
            return list(left)
        if asyncio.get_running_loop().time() > deadline:
            return list(left)
        await asyncio.sleep(0.5)


def _compare(ordered: _Order | None, work: _Order | None, settled: datetime) -> list[Difference]:
    known = ordered or work
    if known is None or any(each and each.changed_at > settled for each in (ordered, work)):
        return []
    if ordered is None:
        return [_about(known, "unknown to the shop", f"the MES has it as {known.state}")]
    if work is None:
        return [_about(known, "missing in mes", f"the shop has it as {known.state}", True)]
    if ordered.state is State.SUBMITTED and work.state is State.SUBMITTED:
        return _unanswered(ordered, work, settled)
    if ordered.state is not work.state:
        detail = f"the shop has it as {ordered.state}, the MES as {work.state}"
        return [_about(known, "states differ", detail, True)]
    prices = {"shop": ordered.price, "MES": work.price, "pricing": work.calculated}
    told = {where: price for where, price in prices.items() if price is not None}
    if len(set(told.values())) > 1:
        detail = ", ".join(f"{where} {price}" for where, price in told.items())
        return [_about(known, "prices differ", detail)]
    return []


def _unanswered(ordered: _Order, work: _Order, settled: datetime) -> list[Difference]:
    if work.calculated_at is None:
        detail = "it was submitted, but never calculated"
        return [_about(ordered, "not answered", detail, True)]
    if work.calculated_at < settled:
        detail = "it was calculated, but the shop does not know"
        return [_about(ordered, "not answered", detail, True)]
    return []


def _about(order: _Order, kind: Kind, detail: str, repairable: bool = False) -> Difference:
    return Difference(kind, order.number, detail, order.id, repairable)


async def _stuck(database: Database, settled: datetime) -> list[Difference]:
    query = (
        sa.select(outbox.c.type, outbox.c.event_id, outbox.c.body["order_id"].astext)
        .where(outbox.c.published_at.is_(None), outbox.c.created_at < settled)
        .order_by(outbox.c.id)
        .limit(_AT_ONCE)
    )
    async with database.session() as session:
        return [
            Difference(
                "not published",
                f"outbox of {database.name}",
                f"{type_} {event_id} has waited for too long: is a relay running?",
                UUID(order_id),
            )
            for type_, event_id, order_id in await session.execute(query)
        ]


async def _untold(shop: Database, settled: datetime) -> list[Difference]:
    """Steps of partners' orders without a delivery to each webhook that there was by then."""
    delivered = sa.exists().where(
        WebhookDelivery.endpoint_id == WebhookEndpoint.id,
        WebhookDelivery.order_id == OrderHistory.order_id,
        WebhookDelivery.sequence == OrderHistory.sequence,
    )
    query = (
        sa.select(Order.id, Order.number, OrderHistory.to_state, WebhookEndpoint.id)
        .join(OrderHistory, OrderHistory.order_id == Order.id)
        .join(WebhookEndpoint, WebhookEndpoint.partner_id == Order.partner_id)
        .where(
            OrderHistory.occurred_at >= WebhookEndpoint.created_at,
            OrderHistory.occurred_at < settled,
            ~delivered,
        )
        .order_by(Order.id, OrderHistory.sequence)
        .limit(_AT_ONCE)
    )
    async with shop.session() as session:
        return [
            Difference(
                "not told by webhook", number, f"{to_state} to the webhook {endpoint}", order, True
            )
            for order, number, to_state, endpoint in await session.execute(query)
        ]


async def _send_again(database: Database, orders: set[str]) -> int:
    if not orders:
        return 0
    statement = (
        sa.update(outbox)
        .where(outbox.c.body["order_id"].astext.in_(orders), outbox.c.published_at.is_not(None))
        .values(published_at=None)
        .returning(outbox.c.id)
    )
    async with database.session() as session:
        return len((await session.execute(statement)).all())


async def _orders(shop: Database) -> AsyncIterator[_Order]:
    """What the shop has given to the factory, by id."""
    submitted = sa.exists().where(
        OrderHistory.order_id == Order.id, OrderHistory.to_state == State.SUBMITTED
    )
    query = (
        sa.select(Order.id, Order.number, Order.state, Order.price, Order.updated_at)
        .where(Order.state.not_in(_BEFORE_WORK), (Order.state != State.CANCELLED) | submitted)
        .order_by(Order.id)
    )
    async with shop.session() as session:
        rows = await session.stream(query, execution_options={"yield_per": _AT_ONCE})
        async for row in rows:
            yield _Order(*row)


async def _work_orders(mes: Database) -> AsyncIterator[_Order]:
    query = (
        sa.select(
            WorkOrder.order_id,
            WorkOrder.number,
            WorkOrder.state,
            WorkOrder.price,
            WorkOrder.updated_at,
            Calculation.total,
            Calculation.calculated_at,
        )
        .outerjoin(Calculation, Calculation.order_id == WorkOrder.order_id)
        .order_by(WorkOrder.order_id)
    )
    async with mes.session() as session:
        rows = await session.stream(query, execution_options={"yield_per": _AT_ONCE})
        async for row in rows:
            yield _Order(*row)


async def _side_by_side(
    left: AsyncIterator[_Order], right: AsyncIterator[_Order]
) -> AsyncIterator[tuple[_Order | None, _Order | None]]:
    """Both in the order of their ids, so that a million orders take no memory."""
    one, other = await anext(left, None), await anext(right, None)
    while one or other:
        if other is None or (one is not None and one.id < other.id):
            yield one, None
            one = await anext(left, None)
        elif one is None or other.id < one.id:
            yield None, other
            other = await anext(right, None)
        else:
            yield one, other
            one, other = await anext(left, None), await anext(right, None)
