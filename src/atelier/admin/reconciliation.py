"""Compares what the systems know of the same orders, and sends again what one of them has missed.

Repair writes no state. It publishes events once more, with their own ids: whoever has consumed one
finds its note and does nothing, whoever has missed one follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from atelier.admin import comparing, dead_letters, hops
from atelier.admin.comparing import Difference
from atelier.clock import now
from atelier.data.database import Database
from atelier.data.outbox_tables import inbox, outbox
from atelier.data.shop import Order, OrderHistory, WebhookDelivery, WebhookEndpoint
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.topology import DatabaseName

_AT_ONCE: Final = 1000  # rows
_LOOK_BACK: Final = timedelta(days=1)
_LONG: Final = timedelta(minutes=10)  # for an event to wait for an earlier one


@dataclass
class Systems:
    """What is compared. Differences younger than `grace` may be on their way, and are none.

    `whole` compares all orders that there ever were; else those that are under way, or have changed
    in the last day. What was published is looked at back to the last look, or for a day.
    """

    shop: Database
    mes: Database
    broker: BrokerConnection
    grace: timedelta = timedelta(minutes=1)
    whole: bool = True
    _looked_at: dict[str, datetime] = field(default_factory=dict)

    async def differences(self) -> list[Difference]:
        """Everything in which the systems do not agree."""
        settled = now() - self.grace
        queues = await hops.queues(self.broker)
        idle = [name for name, each in queues.items() if each.consumers and not each.messages]
        found = [
            *await self._dead_letters(),
            *_not_consumed(queues),
            *await _stuck(self.shop, settled),
            *await _stuck(self.mes, settled),
            *await _early(self.shop, settled),
            *await _early(self.mes, settled),
            *await self._lost(idle, settled),
            *await _untold(self.shop, settled),
        ]
        if self.whole:
            orders = comparing.all_orders(self.shop, self.mes, settled)
        else:
            since = settled - _LOOK_BACK
            orders = comparing.current_orders(self.shop, self.mes, since, settled)
        return [*found, *[each async for each in orders]]

    async def repair(self, differences: Iterable[Difference]) -> int:
        """Send again what may repair them; the relays publish it. Returns how many events."""
        repairable = [each for each in differences if each.repairable]
        events = {each.event_id for each in repairable if each.event_id}
        orders = {str(each.order_id) for each in repairable if not each.event_id}
        return sum(
            [
                await hops.send_again(database, sorted(events | await _events_of(database, orders)))
                for database in (self.shop, self.mes)
            ]
        )

    async def _dead_letters(self) -> list[Difference]:
        return [
            Difference(
                "dead letter",
                letter.queue,
                f"{letter.type} {letter.id}: {letter.reason}",
                UUID(letter.order_id) if letter.order_id else None,
            )
            for letter in await dead_letters.found(self.shop, self.mes)
        ]

    async def _lost(self, idle: Collection[str], settled: datetime) -> list[Difference]:
        """Events that were published for an idle queue since it was last found well."""
        databases: Mapping[DatabaseName, Database] = {"shop": self.shop, "mes": self.mes}
        earliest = settled - _LOOK_BACK
        since = {
            self.broker.subscriptions[queue]: max(self._looked_at.get(queue, earliest), earliest)
            for queue in idle
        }
        found = [
            Difference(
                "lost on its way",
                queue,
                f"{event.type} {event.id} was published, and is in no queue and not consumed",
                event.order_id,
                True,
                event.id,
            )
            for source in databases.values()
            async for queue, event in hops.lost(source, databases, since, settled)
        ]
        # Where something is lost, all is looked at again: it may be so still.
        self._looked_at |= dict.fromkeys(set(idle) - {each.where for each in found}, settled)
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


def _not_consumed(queues: Mapping[str, hops.Queue]) -> list[Difference]:
    return [
        Difference(
            "not consumed", name, f"{queue.messages} messages wait, and nobody consumes them"
        )
        for name, queue in queues.items()
        if queue.messages and not queue.consumers
    ]


async def _early(database: Database, settled: datetime) -> list[Difference]:
    query = (
        sa.select(inbox.c.consumer, inbox.c.message_id, inbox.c.order_id, inbox.c.reason)
        .where(inbox.c.died_at.is_(None), inbox.c.received_at < settled - _LONG)
        .order_by(inbox.c.id)
        .limit(_AT_ONCE)
    )
    async with database.session() as session:
        return [
            Difference("waits for too long", consumer, f"{event}: {reason}", order_id)
            for consumer, event, order_id, reason in await session.execute(query)
        ]


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


async def _events_of(database: Database, orders: Collection[str]) -> set[UUID]:
    if not orders:
        return set()
    query = sa.select(outbox.c.event_id).where(outbox.c.body["order_id"].astext.in_(orders))
    async with database.session() as session:
        return set(await session.scalars(query))
