"""How many events wait, where, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import sqlalchemy as sa
from prometheus_client import Gauge

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.outbox_tables import inbox, outbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.topology import DatabaseName, Subscription
from atelier.telemetry.metrics import REGISTRY
from atelier.telemetry.readings import Reading

outbox_unpublished: Final = Gauge(
    "atelier_outbox_unpublished",
    "Events that wait in the outbox to be published.",
    ("database",),
    registry=REGISTRY,
)
outbox_oldest_seconds: Final = Gauge(
    "atelier_outbox_oldest_seconds",
    "Age of the oldest event that waits in the outbox; 0 when none does.",
    ("database",),
    registry=REGISTRY,
)
queue_messages: Final = Gauge(
    "atelier_queue_messages",
    "Messages that wait in a queue.",
    ("queue",),
    registry=REGISTRY,
)
queue_consumers: Final = Gauge(
    "atelier_queue_consumers", "Consumers of a queue.", ("queue",), registry=REGISTRY
)
inbox_events: Final = Gauge(
    "atelier_inbox_events",
    "Events taken from a queue that could not be handled yet; state: waiting (for an earlier one), "
    "failed (and tried again) or dead (for a person).",
    ("queue", "state"),
    registry=REGISTRY,
)
inbox_oldest_seconds: Final = Gauge(
    "atelier_inbox_oldest_seconds",
    "Time since the oldest event that waits or is tried again came; 0 when none does.",
    ("queue",),
    registry=REGISTRY,
)


def of_outbox(database: Database) -> Reading:
    """Of the service that owns the database: of several replicas of a service, each tells all."""
    return Reading(
        f"outbox of {database.name}",
        partial(_look_at_outbox, database),
        (outbox_unpublished, outbox_oldest_seconds),
        labels=(database.name,),
    )


def of_queues(broker: BrokerConnection, subscriptions: Sequence[Subscription]) -> Reading:
    """How many messages wait in each queue."""
    look = partial(_look_at_queues, broker, subscriptions)
    return Reading("queues", look, (queue_messages, queue_consumers))


def of_inboxes(
    databases: Mapping[DatabaseName, Database], subscriptions: Sequence[Subscription]
) -> Reading:
    """What was taken and could not be handled."""
    look = partial(_look_at_inboxes, databases, subscriptions)
    return Reading("inboxes", look, (inbox_events, inbox_oldest_seconds))


async def _look_at_outbox(database: Database) -> None:
    query = sa.select(sa.func.count(), sa.func.min(outbox.c.created_at)).where(
        outbox.c.published_at.is_(None)
    )
    async with database.session() as session:
        count, oldest = (await session.execute(query)).one()
    outbox_unpublished.labels(database.name).set(count)
    outbox_oldest_seconds.labels(database.name).set(
        0 if oldest is None else (now() - oldest).total_seconds()
    )


async def _look_at_queues(broker: BrokerConnection, subscriptions: Sequence[Subscription]) -> None:
    async with broker.channel() as channel:
        for queue in (each.queue for each in subscriptions):
            found = (await channel.declare_queue(queue, passive=True)).declaration_result
            queue_messages.labels(queue).set(found.message_count or 0)
            queue_consumers.labels(queue).set(found.consumer_count or 0)


async def _look_at_inboxes(
    databases: Mapping[DatabaseName, Database], subscriptions: Sequence[Subscription]
) -> None:
    state = sa.case(
        (inbox.c.died_at.is_not(None), "dead"),
        (inbox.c.attempts > 0, "failed"),
        else_="waiting",
    )
    oldest = sa.func.min(inbox.c.received_at).filter(inbox.c.died_at.is_(None))
    for each in subscriptions:
        query = sa.select(state, sa.func.count(), oldest).where(inbox.c.consumer == each.queue)
        async with databases[each.database].session() as session:
            found = (await session.execute(query.group_by(state))).all()
        counts = {name: count for name, count, _ in found}
        for name in ("waiting", "failed", "dead"):
            inbox_events.labels(each.queue, name).set(counts.get(name, 0))
        since = min((since for _, _, since in found if since), default=None)
        age = 0.0 if since is None else (now() - since).total_seconds()
        inbox_oldest_seconds.labels(each.queue).set(age)
