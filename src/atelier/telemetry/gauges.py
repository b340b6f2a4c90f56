"""What is read from databases and broker when Prometheus asks: how much there is, and how old.

Asked at most every few seconds, however many scrapers there are, and with a time limit. What could
not be read is left out, so that a chart shows a gap and not an old truth.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Collection, Mapping
from typing import Final

import sqlalchemy as sa
import structlog
from prometheus_client import Gauge

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.outbox_tables import inbox, outbox
from atelier.data.shop import Email, Order
from atelier.mail.kinds import CONFIRMATION, Kind
from atelier.messaging import topology
from atelier.messaging.broker import BrokerConnection
from atelier.telemetry.metrics import REGISTRY
from atelier.usecases import price_requests

_log = structlog.get_logger(__name__)

_KEEP: Final = 5.0  # seconds
_KEEP_COUNTS: Final = 30.0  # seconds; counting a million orders is not for every scrape
_PATIENCE: Final = 3.0  # seconds

orders: Final = Gauge("atelier_orders", "Orders in each state.", ("state",), registry=REGISTRY)
oldest_order_seconds: Final = Gauge(
    "atelier_oldest_order_seconds",
    "Time since the last step of the order that has been longest in a state.",
    ("state",),
    registry=REGISTRY,
)
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

pricing_waiting: Final = Gauge(
    "atelier_pricing_waiting",
    "Models that have no price yet; source: shop or partner.",
    ("source",),
    registry=REGISTRY,
)
letters_parked: Final = Gauge(
    "atelier_letters_parked",
    "Letters to customers that no mail server would take; they wait for a person.",
    ("kind",),
    registry=REGISTRY,
)
_OUTBOX: Final = (outbox_unpublished, outbox_oldest_seconds)


class Gauges:
    """Those of the services in this process: of several replicas of a service, each tells all."""

    def __init__(
        self, services: Collection[str], databases: Mapping[str, Database], broker: BrokerConnection
    ) -> None:
        self._databases = {name: each for name, each in databases.items() if name in services}
        self._inboxes = databases
        self._queues = [queue for queue in topology.QUEUES if queue.partition(".")[0] in services]
        self._broker = broker
        self._models = databases["mes"] if "pricing" in services else None
        self._turn = asyncio.Lock()
        self._fresh_until = 0.0
        self._counted_until = 0.0

    async def refresh(self) -> None:
        """Read anew what is too old. Raises nothing."""
        async with self._turn:
            if time.monotonic() < self._fresh_until:
                return
            await asyncio.gather(
                self._read("queues", self._look_at_queues(), queue_messages, queue_consumers),
                self._read("inboxes", self._look_at_inboxes(), inbox_events, inbox_oldest_seconds),
                self._read("outboxes", self._look_at_outboxes(), *_OUTBOX),
                self._read("models", self._look_at_models(), pricing_waiting),
                self._read("letters", self._look_at_letters(), letters_parked),
                self._count_orders(),
            )
            self._fresh_until = time.monotonic() + _KEEP

    async def _read(self, what: str, look: Awaitable[None], *gauges: Gauge) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await look
        except Exception as error:
            for gauge in gauges:
                gauge.clear()
            _log.warning("not measured", what=what, reason=type(error).__name__)

    async def _look_at_queues(self) -> None:
        async with self._broker.channel() as channel:
            for queue in self._queues:
                found = (await channel.declare_queue(queue, passive=True)).declaration_result
                queue_messages.labels(queue).set(found.message_count or 0)
                queue_consumers.labels(queue).set(found.consumer_count or 0)

    async def _look_at_inboxes(self) -> None:
        state = sa.case(
            (inbox.c.died_at.is_not(None), "dead"),
            (inbox.c.attempts > 0, "failed"),
            else_="waiting",
        )
        oldest = sa.func.min(inbox.c.received_at).filter(inbox.c.died_at.is_(None))
        for queue in self._queues:
            query = sa.select(state, sa.func.count(), oldest).where(inbox.c.consumer == queue)
            async with self._inboxes[topology.database_of(queue)].session() as session:
                found = (await session.execute(query.group_by(state))).all()
            counts = {name: count for name, count, _ in found}
            for name in ("waiting", "failed", "dead"):
                inbox_events.labels(queue, name).set(counts.get(name, 0))
            since = min((since for _, _, since in found if since), default=None)
            age = 0.0 if since is None else (now() - since).total_seconds()
            inbox_oldest_seconds.labels(queue).set(age)

    async def _look_at_outboxes(self) -> None:
        query = sa.select(sa.func.count(), sa.func.min(outbox.c.created_at)).where(
            outbox.c.published_at.is_(None)
        )
        for database in self._databases.values():
            async with database.session() as session:
                count, oldest = (await session.execute(query)).one()
            outbox_unpublished.labels(database.name).set(count)
            outbox_oldest_seconds.labels(database.name).set(
                0 if oldest is None else (now() - oldest).total_seconds()
            )

    async def _look_at_models(self) -> None:
        if self._models is not None:
            async with self._models.session() as session:
                for source, count in (await price_requests.waiting(session)).items():
                    pricing_waiting.labels(source).set(count)

    async def _look_at_letters(self) -> None:
        if (shop := self._databases.get("shop")) is None:
            return
        query = sa.select(Email.kind, sa.func.count()).where(Email.parked_at.is_not(None))
        async with shop.session() as session:
            rows = await session.execute(query.group_by(Email.kind))
        found = {kind: int(count) for kind, count in rows}
        for kind in (*Kind, CONFIRMATION):
            letters_parked.labels(kind).set(found.get(kind, 0))

    async def _count_orders(self) -> None:
        shop = self._databases.get("shop")
        if shop is None or time.monotonic() < self._counted_until:
            return
        await self._read("orders", _count(shop), orders, oldest_order_seconds)
        self._counted_until = time.monotonic() + _KEEP_COUNTS


async def _count(shop: Database) -> None:
    query = sa.select(Order.state, sa.func.count(), sa.func.min(Order.updated_at))
    found = await shop.read(lambda session: session.execute(query.group_by(Order.state)))
    orders.clear()
    oldest_order_seconds.clear()
    for state, count, oldest in found:
        orders.labels(state).set(count)
        oldest_order_seconds.labels(state).set((now() - oldest).total_seconds())
