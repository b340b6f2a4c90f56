"""From outbox to consumer, event by event: what was published and is noted by nobody.

It does not ask why an event got lost. Each event that the broker has confirmed must be noted by the
consumer of each queue that wants it; where one is not, although its queue is empty and somebody
consumes it, it is sent again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from atelier.data.database import Database
from atelier.data.outbox_tables import consumed_event, outbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.topology import DatabaseName, Subscription

_AT_ONCE: Final = 1000  # events


@dataclass(frozen=True)
class Event:
    """One that was published, as the outbox has it."""

    id: UUID
    type: str
    order_id: UUID
    published_at: datetime


@dataclass(frozen=True)
class Queue:
    """How many messages of a queue nobody has in hand, and how many consume it."""

    messages: int
    consumers: int


async def queues(broker: BrokerConnection) -> Mapping[str, Queue]:
    """Each queue of the platform by its name, as it is now."""
    found = {}
    async with broker.channel() as channel:
        for queue in broker.subscriptions:
            told = (await channel.declare_queue(queue, passive=True)).declaration_result
            found[queue] = Queue(told.message_count or 0, told.consumer_count or 0)
    return found


async def lost(
    source: Database,
    databases: Mapping[DatabaseName, Database],
    since: Mapping[Subscription, datetime],
    until: datetime,
) -> AsyncIterator[tuple[str, Event]]:
    """Of the events that `source` published for these subscriptions, each from its moment on, those
    that the consumer has not noted, with its queue."""
    if not since:
        return
    async for events in _published(source, min(since.values()), until):
        for each, beginning in since.items():
            wanted = [
                event
                for event in events
                if each.wants(event.type) and event.published_at >= beginning
            ]
            noted = await _noted(databases[each.database], each.queue, wanted)
            for event in wanted:
                if event.id not in noted:
                    yield each.queue, event


async def send_again(source: Database, events: Sequence[UUID]) -> int:
    """Have the relay publish these events of `source` once more; returns how many there were."""
    sent = 0
    for start in range(0, len(events), _AT_ONCE):
        statement = (
            sa.update(outbox)
            .where(
                outbox.c.event_id.in_(events[start : start + _AT_ONCE]),
                outbox.c.published_at.is_not(None),
            )
            .values(published_at=None)
            .returning(outbox.c.id)
        )
        async with source.session() as session:
            sent += len((await session.execute(statement)).all())
    return sent


async def _published(
    source: Database, since: datetime, until: datetime
) -> AsyncIterator[Sequence[Event]]:
    query = (
        sa.select(
            outbox.c.event_id,
            outbox.c.type,
            sa.cast(outbox.c.body["order_id"].astext, sa.Uuid),
            outbox.c.published_at,
        )
        .where(outbox.c.published_at >= since, outbox.c.published_at < until)
        .order_by(outbox.c.published_at)
    )
    async with source.session() as session:
        rows = await session.stream(query, execution_options={"yield_per": _AT_ONCE})
        async for part in rows.partitions(_AT_ONCE):
            yield [Event(*row) for row in part]


async def _noted(database: Database, queue: str, events: Sequence[Event]) -> set[UUID]:
    if not events:
        return set()
    query = sa.select(consumed_event.c.event_id).where(
        consumed_event.c.consumer == queue,
        consumed_event.c.event_id.in_([event.id for event in events]),
    )
    async with database.session() as session:
        return set(await session.scalars(query))
