"""Gives events to their handler, each once in effect; what cannot be handled yet waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.cancellation import heed_cancellation, to_its_end
from atelier.data.database import Database
from atelier.data.outbox_tables import consumed_event
from atelier.data.outbox_tables import inbox as waits
from atelier.messaging import inbox
from atelier.messaging.backoff import Backoff
from atelier.messaging.event import Event, MalformedEvent
from atelier.messaging.handler import DATABASE_GONE, Handler
from atelier.messaging.inbox import Row, Setback
from atelier.messaging.spans import processing
from atelier.telemetry import metrics

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 4  # handlers, each with a connection; the rest of the pool is for people
_LOOK_EVERY: Final = 2.0  # seconds; for what other processes have put into the inbox
_SOON: Final = 0.1  # seconds


class Applier:
    """Calls `handler(session, event)` for the events of `queue`, and keeps the inbox of `queue`.

    The handler's changes and the note that the event was consumed are one transaction; so are the
    note and the row of an event that could not be handled. Events of one order are handled one
    after another.
    """

    def __init__(
        self, queue: str, handler: Handler, database: Database, retry_delays: Sequence[float]
    ) -> None:
        self.queue = queue
        self._handler = handler
        self._database = database
        self._retry_delays = retry_delays
        self._wake = asyncio.Event()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._lanes: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def apply(self, event: Event, traceparent: str | None) -> None:
        """Returns when the event has had its effect, or waits in the inbox.

        Raises one of DATABASE_GONE where the database is away; then nothing has happened.
        """
        async with self._lane(event.order_id):
            try:
                with processing(self.queue, traceparent, event, attempt=1):
                    brings_others = await self._handle(event)
            except Exception as error:
                await self._blame_the_event_for(error)
                await self._keep(event, error, traceparent)
            else:
                if brings_others:
                    await self._bring_along(event.order_id)

    async def bury(self, body: bytes, error: MalformedEvent) -> None:
        """Returns when the inbox has what is no event. Raises one of DATABASE_GONE."""
        what = inbox.setback(error, 0, ())
        async with self._database.session() as session:
            await inbox.keep(session, self.queue, body, what)
        self._tell(what, None)

    async def run(self) -> None:
        """Tries again what is due, until cancelled. Survives all else."""
        backoff = Backoff()
        while True:
            self._wake.clear()
            try:
                pause = await self._work_off()
            except DATABASE_GONE as error:
                log.warning("inbox has to wait", queue=self.queue, reason=type(error).__name__)
            except Exception:
                log.exception("inbox failed", queue=self.queue)
            else:
                backoff.reset()
                heed_cancellation()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                continue
            await backoff.pause()

    async def _work_off(self) -> float:
        """Try what is due; returns after how many seconds there is something due again."""
        async with self._database.session() as session:
            rows = await inbox.waiting(session, self.queue)
        for row in sorted(rows, key=lambda row: row.id):
            if row.due_in <= 0:
                await to_its_end(self._try_again(row))
        # What was due may be in another process's hands, and so still be due: no hurry then.
        return min([_LOOK_EVERY, *(max(row.due_in, _SOON) for row in rows)])

    async def _try_again(self, row: Row) -> None:
        async with self._lane(row.order_id):
            if await self._handle_row(row.id) and row.order_id is not None:
                await self._bring_along(row.order_id)

    async def _bring_along(self, order_id: UUID) -> None:
        """Try what waits for an event of this order that was handled now."""
        handled = True
        while handled:
            async with self._database.session() as session:
                rows = await inbox.waiting(session, self.queue, order_id=order_id)
            handled = False
            for row in rows:
                handled = await self._handle_row(row.id) or handled

    async def _handle(self, event: Event) -> bool:
        """Whether other events of the order wait, which may be handled now."""
        with metrics.handler_seconds.labels(self.queue).time():
            async with self._database.session() as session:
                noted = await self._note(session, event)
                if noted is not None:
                    await self._handler(session, event)
        self._count("repeated" if noted is None else "handled")
        return bool(noted)

    async def _handle_row(self, row_id: int) -> bool:
        """Whether the row's event was handled now. Raises one of DATABASE_GONE."""
        taken, event = None, None
        try:
            async with self._database.session() as session:
                taken = await inbox.taken(session, row_id)
                if taken is None:
                    return False
                event = Event.from_json(taken.body)
                structlog.contextvars.bind_contextvars(order_id=str(event.order_id))
                with (
                    processing(self.queue, taken.traceparent, event, attempt=taken.attempts + 1),
                    metrics.handler_seconds.labels(self.queue).time(),
                ):
                    await self._handler(session, event)
                await inbox.remove(session, row_id)
        except Exception as error:
            await self._blame_the_event_for(error)
            if taken is None:
                raise
            what = inbox.setback(error, taken.attempts, self._retry_delays, taken.waited)
            async with self._database.session() as session:
                await inbox.postpone(session, row_id, what)
            self._tell(what, event)
            return False
        self._count("handled")
        return True

    async def _keep(self, event: Event, error: Exception, traceparent: str | None) -> None:
        what = inbox.setback(error, 0, self._retry_delays)
        async with self._database.session() as session:
            if await self._note(session, event) is None:
                return  # a copy was faster
            await inbox.keep(session, self.queue, event, what, traceparent)
        self._tell(what, event)
        self._wake.set()

    async def _note(self, session: AsyncSession, event: Event) -> bool | None:
        """Note that the event is consumed; None where it has been noted before, else whether other
        events of its order wait in the inbox.

        A second delivery that runs at the same time waits here for the first one's commit.
        """
        others = sa.exists().where(
            waits.c.consumer == self.queue,
            waits.c.order_id == event.order_id,
            waits.c.died_at.is_(None),
        )
        note = (
            insert(consumed_event)
            .values(consumer=self.queue, event_id=event.id)
            .on_conflict_do_nothing()
            .returning(others)
        )
        return await session.scalar(note)

    async def _blame_the_event_for(self, error: Exception) -> None:
        """Raise `error` again where it is the database that is away, and not the event's fault."""
        if isinstance(error, DATABASE_GONE):
            # Gone for this event only, it would be tried for ever and hold up all the others.
            await self._database.check()

    @asynccontextmanager
    async def _lane(self, order_id: UUID | None) -> AsyncIterator[None]:
        if order_id is None:
            async with self._at_once:
                yield
            return
        lane = self._lanes.setdefault(order_id, asyncio.Lock())
        async with lane, self._at_once:
            yield

    def _count(self, outcome: str) -> None:
        metrics.handled_events_total.labels(self.queue, outcome).inc()

    def _tell(self, what: Setback, event: Event | None) -> None:
        self._count(what.outcome)
        say: Callable[..., object] = log.info if what.outcome == "early" else log.warning
        say(
            _SAID[what.outcome],
            queue=self.queue,
            event_id=event and str(event.id),
            event_type=event and event.type,
            attempt=what.attempts,
            reason=what.reason,
            delay=what.delay,
        )


_SAID: Final = {
    "early": "event waits for an earlier one",
    "postponed": "event postponed",
    "dead_lettered": "event dead-lettered",
}
