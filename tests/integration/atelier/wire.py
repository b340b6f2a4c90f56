"""What goes over the wire: messages as a test sends and finds them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import sqlalchemy as sa
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.domain.lifecycle import HAPPY_PATH, State
from atelier.messaging import inbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.event import Event
from atelier.messaging.inbox import DeadLetter
from atelier.storage.model_store import StoredModel
from atelier.usecases import work_orders
from touchstone.waiting import eventually_async

MODEL = StoredModel(checksum="c" * 64, name="ring.stl", size=1084)


def told(
    order_id: UUID,
    before: State | None,
    to: State,
    price: str | None = None,
    *,
    sequence: int | None = None,
) -> Event:
    """What the shop tells when an order goes from one state to the next.

    Without `sequence`, what it is in the life of an order of a customer that is going well.
    """
    if sequence is None:
        sequence = HAPPY_PATH.index(to) + 1 if before is None else HAPPY_PATH.index(before) + 2
    return Event(
        type=f"order.{to.lower()}",
        order_id=order_id,
        actor=f"customer:{uuid4()}",
        data={
            "number": f"AT-{order_id.hex[:6].upper()}",
            "from": before,
            "to": to,
            "sequence": sequence,
            "metal": "gold-585",
            "finish": "polished",
            "model_checksum": MODEL.checksum,
            "model_name": MODEL.name,
            "design": None,
            "price": price,
            "promised_at": None,
            "reason": None,
            "source": "shop",
        },
    )


async def deliver(broker: BrokerConnection, queue: str, *bodies: Event | bytes) -> None:
    """Put messages straight into a queue, in this order."""
    async with broker.channel() as channel:
        for body in bodies:
            content = body.to_json() if isinstance(body, Event) else body
            await channel.default_exchange.publish(Message(content), routing_key=queue)


async def history(mes: Database, event: Event) -> list[State]:
    """The states that the factory has seen the event's order in, oldest first."""
    async with mes.session() as session:
        return [line.to_state for line in await work_orders.history(session, event.order_id)]


async def waiting(broker: BrokerConnection, queue: str) -> list[AbstractIncomingMessage]:
    """Take all messages out of a queue, oldest first."""
    async with broker.channel() as channel:
        source = await channel.get_queue(queue, ensure=False)
        found = []
        while (message := await source.get(fail=False)) is not None:
            found.append(message)
            await message.ack()
        return found


async def dead_letters(database: Database) -> Sequence[DeadLetter]:
    """What its consumers have given up, oldest first."""
    async with database.session() as session:
        return await inbox.dead(session)


async def in_the_inbox(database: Database) -> Sequence[str]:
    """Why each event waits that its consumer could not handle yet, or is dead."""
    async with database.session() as session:
        return (await session.scalars(sa.select(outbox_tables.inbox.c.reason).order_by("id"))).all()


async def all_published(*databases: Database) -> None:
    """Wait until nothing is left in the outboxes. Raises NotYetTrue."""

    async def left() -> int:
        query = sa.select(sa.func.count()).where(outbox_tables.outbox.c.published_at.is_(None))
        total = 0
        for database in databases:
            async with database.session() as session:
                total += await session.scalar(query) or 0
        return total

    await eventually_async(left, until=lambda count: not count)


async def dead_events(mes: Database, count: int) -> Sequence[DeadLetter]:
    return await eventually_async(
        lambda: dead_letters(mes), until=lambda found: len(found) == count
    )


def exploded(order_id: UUID | None = None) -> Event:
    """An event that no consumer knows."""
    return Event(type="order.exploded", order_id=order_id or uuid4(), actor="test")
