"""Takes events from a queue, each once, and never loses one."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import sqlalchemy as sa
import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier import metrics
from atelier.data.columns import now
from atelier.data.database import Database
from atelier.messaging import topology
from atelier.messaging.backoff import Backoff
from atelier.messaging.broker import BROKER_GONE, Broker
from atelier.messaging.event import Event, MalformedEvent
from atelier.messaging.spans import processing
from atelier.messaging.tables import consumed_event

log = structlog.get_logger(__name__)

Handler = Callable[[AsyncSession, Event], Awaitable[None]]

# The database is away, or too busy; no fault of the event that happened to come just then.
DATABASE_GONE = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)

_AT_ONCE = 4  # handlers, each with a connection; the rest of the pool is for people
_FINISH_WITHIN = 10.0  # seconds
_LONGEST_REASON = 2000


class NotYet(Exception):
    """The event came before one that it follows. It is tried again later."""


class Refused(Exception):
    """The event can never be handled. It goes to the dead-letter queue at once."""


class Consumer:
    """Runs `handler(session, event)` once for each event of `queue`.

    The handler's changes and the note that the event was consumed are one transaction, and the
    message is acknowledged after its commit. So a message that is delivered again finds the note.
    A handler that raises is tried again after each of `retry_delays` (seconds); then the message
    goes to the dead-letter queue with the headers x-error and x-attempt. While the database is
    away, messages wait here.

    Events of one order are handled one after another, in the order of their arrival.
    """

    def __init__(
        self,
        queue: str,
        handler: Handler,
        database: Database,
        broker: Broker,
        *,
        retry_delays: Sequence[float],
        prefetch: int = 20,
    ) -> None:
        self.queue = queue
        self.consuming = asyncio.Event()
        self._handler = handler
        self._database = database
        self._broker = broker
        self._retry_delays = retry_delays
        self._prefetch = prefetch
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._lanes: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def run(self) -> None:
        """Until cancelled; then it finishes the messages in hand. Survives all else."""
        backoff = Backoff()
        while True:
            try:
                async with self._broker.channel(prefetch=self._prefetch) as channel:
                    await self._consume(channel, backoff)
            except BROKER_GONE as error:
                log.warning(
                    "consumer interrupted",
                    queue=self.queue,
                    reason=f"{type(error).__name__}: {error}",
                )
            except Exception:
                log.exception("consumer failed", queue=self.queue)
            await backoff.pause()

    async def _consume(self, channel: AbstractChannel, backoff: Backoff) -> None:
        """Raises what made it impossible to go on; unacknowledged messages come back then."""
        trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tasks: set[asyncio.Task[None]] = set()
        # aio-pika calls from a task of the connection, which may be another service's.
        here = contextvars.copy_context()

        def stop(error: BaseException | None) -> None:
            if not trouble.done():
                trouble.set_exception(error or ConnectionError("the channel was closed"))

        def done(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                stop(error)
            else:
                backoff.reset()

        async def receive(message: AbstractIncomingMessage) -> None:
            # A task of our own: aio-pika's would be cancelled with the channel, in mid-transaction.
            task = asyncio.create_task(self._process(channel, message), context=here.copy())
            tasks.add(task)
            task.add_done_callback(done)

        def deleted(_: object) -> None:
            stop(ChannelNotFoundEntity(f"the queue {self.queue} was deleted"))

        channel.close_callbacks.add(lambda _, error: stop(error))
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(deleted)
        queue = await channel.get_queue(self.queue, ensure=False)
        tag = await queue.consume(receive)
        self.consuming.set()
        log.info("consuming", queue=self.queue)
        try:
            await trouble
        finally:
            self.consuming.clear()
            with suppress(*BROKER_GONE):
                await queue.cancel(tag)
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=_FINISH_WITHIN)
                for task in late:
                    task.cancel()

    async def _process(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        """Handle one message and acknowledge it. Raises only where that is impossible."""
        try:
            event = Event.from_json(message.body)
        except MalformedEvent as error:
            await self._bury(channel, message, error)
        else:
            structlog.contextvars.bind_contextvars(order_id=str(event.order_id))
            lane = self._lanes.setdefault(event.order_id, asyncio.Lock())
            async with lane, self._at_once:
                try:
                    with processing(self.queue, message, event, _attempt(message)):
                        await self._handle(event)
                except DATABASE_GONE:
                    raise  # on stopping: unacknowledged, the message waits in the queue
                except Refused as error:
                    await self._bury(channel, message, error)
                except Exception as error:
                    await self._postpone(channel, message, error)
        await message.ack()

    async def _handle(self, event: Event) -> None:
        backoff = Backoff()
        while True:
            try:
                with metrics.handler_seconds.labels(self.queue).time():
                    async with self._database.session() as session:
                        new = await self._is_new(session, event)
                        if new:
                            await self._handler(session, event)
                self._count("handled" if new else "repeated")
                return
            except DATABASE_GONE as error:
                if not self.consuming.is_set():
                    raise
                log.warning("database away", queue=self.queue, reason=type(error).__name__)
                await backoff.pause()

    async def _is_new(self, session: AsyncSession, event: Event) -> bool:
        # A second delivery that runs at the same time waits here for the first one's commit.
        note = (
            insert(consumed_event)
            .values(consumer=self.queue, event_id=event.id)
            .on_conflict_do_nothing()
            .returning(consumed_event.c.event_id)
        )
        return await session.scalar(note) is not None

    async def _postpone(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, error: Exception
    ) -> None:
        attempt = _attempt(message)
        if attempt > len(self._retry_delays):
            await self._bury(channel, message, error)
            return
        self._count("postponed")
        delay = self._retry_delays[attempt - 1]
        self._tell("event postponed", message, error, delay=delay)
        await _republish(
            channel,
            message,
            exchange=topology.retry(delay),
            routing_key=self.queue,
            headers={"x-attempt": attempt + 1, "x-error": _reason(error)},
        )

    async def _bury(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, error: Exception
    ) -> None:
        self._count("dead_lettered")
        self._tell("event dead-lettered", message, error)
        await _republish(
            channel,
            message,
            exchange="",
            routing_key=topology.dead(self.queue),
            headers={"x-attempt": _attempt(message), "x-error": _reason(error)},
        )

    def _count(self, outcome: str) -> None:
        metrics.handled_events_total.labels(self.queue, outcome).inc()

    def _tell(
        self, what: str, message: AbstractIncomingMessage, error: Exception, **more: object
    ) -> None:
        log.warning(
            what,
            queue=self.queue,
            event_id=message.message_id,
            event_type=message.type,
            attempt=_attempt(message),
            reason=_reason(error),
            **more,
        )


def _attempt(message: AbstractIncomingMessage) -> int:
    attempt = message.headers.get("x-attempt")
    return attempt if isinstance(attempt, int) and attempt > 0 else 1


def _reason(error: Exception) -> str:
    # It becomes a header, and must not fail there: it may quote what no UTF-8 can hold.
    reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
    return reason.encode(errors="backslashreplace").decode()


async def _republish(
    channel: AbstractChannel,
    message: AbstractIncomingMessage,
    *,
    exchange: str,
    routing_key: str,
    headers: dict[str, Any],
) -> None:
    """Returns when a queue holds the copy, so that the original may be acknowledged."""
    # The broker's own notes (x-death …) would grow with every round.
    kept = {name: value for name, value in message.headers.items() if not name.startswith("x-")}
    target = await channel.get_exchange(exchange, ensure=False)
    await target.publish(
        Message(
            message.body,
            headers={**kept, **headers},
            message_id=message.message_id,
            type=message.type,
            content_type=message.content_type,
            timestamp=now(),
            delivery_mode=DeliveryMode.PERSISTENT,
        ),
        routing_key=routing_key,
        mandatory=True,
        timeout=10,
    )
