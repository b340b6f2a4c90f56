"""Takes requests for a price in fair turn, has their models measured, and answers them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import uuid4

import psycopg
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.mes import CalculationRequest
from atelier.data.patience import connect
from atelier.domain.models3d import ModelRejected
from atelier.messaging import inbox
from atelier.messaging.backoff import Backoff
from atelier.messaging.event import Event
from atelier.messaging.handler import DATABASE_GONE
from atelier.messaging.inbox import Setback
from atelier.pricing.pool import Pool
from atelier.storage.model_store import ModelStore
from atelier.telemetry import metrics, tracing
from atelier.usecases import price_requests
from atelier.usecases.metal_prices import PriceList
from atelier.usecases.price_requests import Measured

log = structlog.get_logger(__name__)

_LOOK_EVERY = 1.0  # seconds; notifications wake it, this is for one that got lost
_FINISH_WITHIN = 10.0  # seconds
# A machine that vanishes without a word gives its claims back within half a minute.
_KEEP_ALIVE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


class Dispatcher:
    """Works on as many requests as there are workers, and on one more of a lane that has none in
    work. Any number of processes may do so side by side.

    A request that fails is tried again after each of `retry_delays` (seconds), then its event is a
    dead letter of `pricing.calculations`. A model that kills its worker, or takes too long, fails
    like that, too: whether the model or the machine is to blame is for people to find out, and the
    order waits as SUBMITTED meanwhile.
    """

    def __init__(
        self,
        database: Database,
        models: ModelStore,
        pool: Pool,
        *,
        workers: int,
        retry_delays: Sequence[float],
    ) -> None:
        self.working = asyncio.Event()
        self._database = database
        self._models = models
        self._pool = pool
        self._prices = PriceList(database)
        self._workers = workers
        self._retry_delays = retry_delays
        self._wake = asyncio.Event()
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._express: int | None = None

    async def run(self) -> None:
        """Until cancelled; then it finishes the models in hand. Survives all else."""
        backoff = Backoff()
        try:
            while True:
                try:
                    await self._dispatch(backoff)
                except (psycopg.Error, *DATABASE_GONE) as error:
                    log.warning("pricing interrupted", reason=f"{type(error).__name__}: {error}")
                except Exception:
                    log.exception("pricing failed")
                await backoff.pause()
        finally:
            await self._finish()

    async def _dispatch(self, backoff: Backoff) -> None:
        """Raises what made it impossible to go on."""
        holder = f"pricing {uuid4()}"
        async with await connect(
            self._database.url, application_name=holder, options=_KEEP_ALIVE
        ) as connection:
            await connection.execute("LISTEN calculation_request")
            await connection.execute("LISTEN metal_price")
            self._prices.forget()
            listening = asyncio.create_task(self._listen(connection))
            self.working.set()
            log.info("pricing", workers=self._workers)
            try:
                while not listening.done():
                    self._wake.clear()
                    while await self._take(holder):
                        backoff.reset()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_EVERY):
                            await self._wake.wait()
                await listening
            finally:
                self.working.clear()
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, connection: psycopg.AsyncConnection[object]) -> None:
        try:
            async for notification in connection.notifies():
                if notification.channel == "metal_price":
                    self._prices.forget()
                self._wake.set()
        finally:
            self._wake.set()

    async def _take(self, holder: str) -> bool:
        """Begin the next request, if there is one and a worker for it."""
        busy = len(self._in_hand)
        if busy > self._workers:
            return False
        async with self._database.session() as session:
            claimed = await price_requests.claim(
                session,
                holder,
                in_hand=list(self._in_hand),
                spare_only=busy == self._workers,
            )
        if claimed is None:
            return False
        request, head = claimed
        express = head.alone and self._express is None
        if express:
            self._express = request.id
        task = asyncio.create_task(self._work(request, express=express))
        self._in_hand[request.id] = task
        task.add_done_callback(lambda _: self._done(request.id))
        return True

    def _done(self, request_id: int) -> None:
        self._in_hand.pop(request_id)
        if self._express == request_id:
            self._express = None
        self._wake.set()

    async def _finish(self) -> None:
        tasks = list(self._in_hand.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_FINISH_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _work(self, request: CalculationRequest, *, express: bool) -> None:
        """Answer the request, or see to it that it is tried again or looked into."""
        event = Event.from_dict(request.event)
        if request.attempts == 1:
            waited = (now() - event.occurred_at).total_seconds()
            metrics.pricing_wait_seconds.labels(request.lane.partition(":")[0]).observe(waited)
        structlog.contextvars.bind_contextvars(order_id=str(event.order_id))
        try:
            if request.attempts > len(self._retry_delays) + 1:
                # Counted when they began, so this holds for models that end the whole process, too.
                raise _GaveUp(request.error or "the process ended whenever it measured the model")
            with tracing.span(
                "price a model",
                caused_by=request.traceparent,
                attributes={
                    "atelier.order.id": str(event.order_id),
                    "atelier.attempt": request.attempts,
                },
            ):
                found = await self._found(event, express=express)
                await self._until_written(
                    lambda session: price_requests.answer(session, request.id, found)
                )
        except asyncio.CancelledError:
            # Not its fault. If this fails, the claim ends with the connection all the same.
            with suppress(*DATABASE_GONE):
                async with self._database.session() as session:
                    await price_requests.give_back(session, request.id)
            raise
        except Exception as error:
            await self._failed(request, event, error)

    async def _found(self, event: Event, *, express: bool) -> Measured | ModelRejected:
        began, outcome = time.monotonic(), "failed"
        try:
            model = await self._models.read(event.data["model_checksum"])
            solid = await self._pool.measure(model, express=express)
            outcome = "priced"
        except ModelRejected as rejected:
            outcome = "rejected"
            return rejected
        finally:
            metrics.pricing_seconds.labels(outcome).observe(time.monotonic() - began)
        return Measured(solid, await self._prices.at(event.data["metal"], now()))

    async def _failed(self, request: CalculationRequest, event: Event, error: Exception) -> None:
        reason = error.reason if isinstance(error, _GaveUp) else inbox.reason_of(error)
        if request.attempts <= len(self._retry_delays):
            delay = self._retry_delays[request.attempts - 1]
            log.warning("model postponed", attempt=request.attempts, reason=reason, delay=delay)
            await self._until_written(
                lambda session: price_requests.postpone(session, request.id, delay, reason)
            )
            asyncio.get_running_loop().call_later(delay, self._wake.set)
            return
        log.error("model dead-lettered", attempt=request.attempts, reason=reason)
        await self._until_written(lambda session: self._bury(session, request, event, reason))

    async def _bury(
        self, session: AsyncSession, request: CalculationRequest, event: Event, reason: str
    ) -> None:
        """The request gives way to a dead letter; replayed, that is a request again."""
        locked = await price_requests.taken(session, request.id)
        if locked is None:
            return
        given_up = Setback("dead_lettered", reason, request.attempts, None)
        await inbox.keep(session, price_requests.QUEUE, event, given_up, request.traceparent)
        await session.delete(locked)

    async def _until_written(self, write: Callable[[AsyncSession], Awaitable[None]]) -> None:
        """Do it in one transaction, as soon as the database is there."""
        backoff = Backoff()
        while True:
            try:
                async with self._database.session() as session:
                    await write(session)
                return
            except DATABASE_GONE as error:
                log.warning("pricing has to wait", reason=type(error).__name__)
                await backoff.pause()


class _GaveUp(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
