"""Publishes what the outbox holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import LiteralString, NamedTuple
from uuid import UUID

import psycopg
import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import DeliveryError
from opentelemetry.trace import Span
from psycopg.rows import class_row, scalar_row

from atelier.cancellation import heed_cancellation, to_its_end
from atelier.data.database import Database
from atelier.data.patience import connect
from atelier.messaging.backoff import Backoff
from atelier.messaging.broker import BROKER_GONE, BrokerConnection
from atelier.messaging.spans import sending
from atelier.messaging.topology import EVENTS
from atelier.telemetry import metrics, tracing

log = structlog.get_logger(__name__)

_LOCK = 0x0B0C5  # any number, but the same in every process
_STAND_BY = 1.0  # seconds between a stand-by's attempts to become the active relay
_BATCH = 100  # messages
_CONFIRM_WITHIN = 10.0  # seconds

_WAITING: LiteralString = """
    SELECT id, event_id, type, body ->> 'order_id' AS order_id, body::text, traceparent FROM outbox
    WHERE published_at IS NULL AND NOT body ->> 'order_id' = ANY (%s)
    ORDER BY id LIMIT %s
"""
_PUBLISHED: LiteralString = "UPDATE outbox SET published_at = now() WHERE id = ANY (%s)"


@dataclass(frozen=True)
class _Waiting:
    id: int
    event_id: UUID
    type: str
    order_id: str
    body: str
    traceparent: str | None


class _Hold(NamedTuple):
    """An order whose event the broker would not take; its later events must not overtake it."""

    attempts: int
    until: float  # of the monotonic clock


class Relay:
    """One active relay a database; the others stand by for its advisory lock.

    An event is marked as published only after the broker has confirmed that a queue holds it. The
    mark is made on the connection that holds the lock, so a relay that has lost the lock cannot
    make one. A relay that dies in between leaves events that are published twice: consumers know
    them by their ids. Events of one order leave in the order of their transactions.
    """

    def __init__(
        self, database: Database, broker: BrokerConnection, *, look_every: float = 1.0
    ) -> None:
        """A notification wakes the relay; `look_every` (seconds) is for one that got lost."""
        self._url = database.url
        self._broker = broker
        self._look_every = look_every
        self._held: dict[str, _Hold] = {}
        self._confirmed = metrics.published_events_total.labels(database.name, "confirmed")
        self._refused = metrics.published_events_total.labels(database.name, "refused")

    async def run(self) -> None:
        """Until cancelled; then it finishes the batch in hand. Survives all else."""
        backoff = Backoff()
        while True:
            try:
                await self._relay(backoff)
            except (psycopg.Error, *BROKER_GONE) as error:
                log.warning("relay interrupted", reason=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("relay failed")
            await backoff.pause()

    async def _relay(self, backoff: Backoff) -> None:
        async with await connect(self._url, row_factory=class_row(_Waiting)) as connection:
            await self._get_the_lock(connection)
            async with self._broker.channel() as channel:
                exchange = await channel.get_exchange(EVENTS, ensure=False)
                await connection.execute("LISTEN outbox")
                log.info("relay active")
                while True:
                    if not await to_its_end(self._publish_batch(connection, exchange)):
                        async for _ in connection.notifies(timeout=self._look_every, stop_after=1):
                            pass
                    heed_cancellation()
                    backoff.reset()

    async def _get_the_lock(self, connection: psycopg.AsyncConnection[_Waiting]) -> None:
        # Asked for again and again instead of waited for: a waiting statement would keep a
        # snapshot open, and with it every dead row of the database.
        while True:
            async with connection.cursor(row_factory=scalar_row) as cursor:
                await cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
                if await cursor.fetchone():
                    return
            await asyncio.sleep(_STAND_BY)

    async def _publish_batch(
        self, connection: psycopg.AsyncConnection[_Waiting], exchange: AbstractExchange
    ) -> bool:
        """Whether there was something to publish, so that there may be more."""
        now = time.monotonic()
        held = [order for order, hold in self._held.items() if hold.until > now]
        found = await (await connection.execute(_WAITING, [held, _BATCH])).fetchall()
        waiting = self._one_of_each_held(found)
        if not waiting:
            return False
        with sending(waiting) as spans:
            # Sent one after another, confirmed together: the channel keeps the order.
            outcomes = await asyncio.gather(
                *map(partial(_publish, exchange), waiting, spans), return_exceptions=True
            )
        confirmed = [
            event for event, outcome in zip(waiting, outcomes, strict=True) if outcome is None
        ]
        if confirmed:
            await connection.execute(_PUBLISHED, [[event.id for event in confirmed]])
        self._release(confirmed)
        self._confirmed.inc(len(confirmed))
        for event, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, DeliveryError):
                self._refused.inc()
                self._hold(event, outcome)
            elif outcome is not None:
                raise outcome
        return True

    def _hold(self, event: _Waiting, reason: DeliveryError) -> None:
        attempts = self._held[event.order_id].attempts + 1 if event.order_id in self._held else 1
        delay = min(0.1 * 2**attempts, 2.0)
        self._held[event.order_id] = _Hold(attempts, time.monotonic() + delay)
        log.error(
            "event not accepted by the broker; it stays in the outbox",
            event_id=str(event.event_id),
            event_type=event.type,
            order_id=event.order_id,
            attempts=attempts,
            reason=f"{type(reason).__name__}: {reason}",
        )

    def _one_of_each_held(self, found: Sequence[_Waiting]) -> list[_Waiting]:
        """Without the later events of orders whose first one may be refused again."""
        first = {event.order_id: event for event in reversed(found)}
        return [
            event
            for event in found
            if event.order_id not in self._held or event is first[event.order_id]
        ]

    def _release(self, confirmed: Sequence[_Waiting]) -> None:
        if self._held:
            for event in confirmed:
                self._held.pop(event.order_id, None)


async def _publish(exchange: AbstractExchange, event: _Waiting, span: Span) -> None:
    """Returns when a queue holds the event. Raises DeliveryError when the broker refuses it or
    knows no queue for it."""
    # What was recorded nowhere still says where it came from.
    context = tracing.header_of(span) or event.traceparent
    try:
        await exchange.publish(
            Message(
                event.body.encode(),
                headers={tracing.HEADER: context} if context else None,
                message_id=str(event.event_id),
                type=event.type,
                content_type="application/json",
                delivery_mode=DeliveryMode.PERSISTENT,
            ),
            routing_key=event.type,
            mandatory=True,
            timeout=_CONFIRM_WITHIN,
        )
    except Exception as error:
        tracing.failed(span, error)
        raise
