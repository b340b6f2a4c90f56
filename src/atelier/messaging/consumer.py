"""Takes events from a queue, each once, and never loses one."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from atelier.cancellation import heed_cancellation
from atelier.data.database import Database
from atelier.messaging.applying import Applier
from atelier.messaging.backoff import Backoff
from atelier.messaging.broker import BROKER_GONE, BrokerConnection
from atelier.messaging.event import Event, MalformedEvent
from atelier.messaging.handler import DATABASE_GONE, Handler
from atelier.telemetry import tracing

log = structlog.get_logger(__name__)

_FINISH_WITHIN: Final = 10.0  # seconds


class Consumer:
    """Has `handler(session, event)` called for each event of `queue`, once in effect.

    A message is acknowledged when the database has either the event's effect or the event itself,
    in the inbox of `queue`, from where it is tried again after each of `retry_delays` (seconds). So
    a message that is delivered again finds the note that it was consumed, and what waits does not
    wait in the broker. While the database is away, messages wait in the queue.
    """

    def __init__(
        self,
        queue: str,
        handler: Handler,
        database: Database,
        broker: BrokerConnection,
        *,
        retry_delays: Sequence[float],
        prefetch: int = 20,
    ) -> None:
        self.queue = queue
        self.consuming = asyncio.Event()
        self._applier = Applier(queue, handler, database, retry_delays)
        self._broker = broker
        self._prefetch = prefetch

    async def run(self) -> None:
        """Until cancelled; then it finishes the messages in hand. Survives all else."""
        # Beside the broker: what waits in the inbox needs none.
        waiting = asyncio.create_task(self._applier.run())
        try:
            await self._run()
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    async def _run(self) -> None:
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
            task = asyncio.create_task(self._process(message), context=here.copy())
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
            heed_cancellation()
            await trouble
        finally:
            self.consuming.clear()
            with suppress(*BROKER_GONE):
                await queue.cancel(tag)
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=_FINISH_WITHIN)
                for task in late:
                    task.cancel()

    async def _process(self, message: AbstractIncomingMessage) -> None:
        """Handle one message and acknowledge it. Raises only where that is impossible."""
        try:
            event = Event.from_json(message.body)
        except MalformedEvent as malformed:
            error = malformed
            await self._until_written(lambda: self._applier.bury(message.body, error))
        else:
            structlog.contextvars.bind_contextvars(order_id=str(event.order_id))
            sent = message.headers.get(tracing.HEADER)
            trace = sent if isinstance(sent, str) else None
            await self._until_written(lambda: self._applier.apply(event, trace))
        await message.ack()

    async def _until_written(self, write: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff()
        while True:
            try:
                await write()
                return
            except DATABASE_GONE as error:
                if not self.consuming.is_set():
                    raise  # on stopping: unacknowledged, the message waits in the queue
                log.warning("database away", queue=self.queue, reason=type(error).__name__)
                await backoff.pause()
