"""Delivers webhooks: signed, one step of an order after the other, again and again until taken.

Any number of processes may send. Who claims a delivery puts off its next attempt in the same
statement, so that nobody else takes it meanwhile, and a process that dies in between has only
postponed it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

import httpx
import psycopg
import sqlalchemy as sa
import structlog

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.patience import connect
from atelier.data.shop import Delivery, WebhookDelivery
from atelier.messaging.backoff import Backoff
from atelier.messaging.handler import DATABASE_GONE
from atelier.partner.webhooks.addresses import AddressRefused, resolve
from atelier.partner.webhooks.endpoints import CHANNEL
from atelier.partner.webhooks.signing import secret_of, sign
from atelier.settings import Settings
from atelier.telemetry import metrics

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 32  # deliveries of this process
_AT_ONCE_TO_ONE: Final = 4  # of them to one endpoint, so that a slow one does not take all
_FINISH_WITHIN: Final = 10.0  # seconds
_LEASE: Final = timedelta(seconds=60)
_OVERTAKEN_AFTER: Final = timedelta(minutes=1)

# Due, and nothing of the same order before it still to be delivered: neither a delivery, nor a step
# in the order's history whose event has yet to come. For such an event nobody waits long: it may
# never come, because it happened while the endpoint was being made.
_CLAIM: Final = sa.text("""
    WITH due AS (
        SELECT d.id, row_number() OVER (
            PARTITION BY d.endpoint_id ORDER BY d.next_attempt_at, d.id
        ) AS place
        FROM webhook_delivery d JOIN webhook_endpoint e ON e.id = d.endpoint_id
        WHERE d.state = 'PENDING' AND d.next_attempt_at <= :now
        AND NOT d.endpoint_id = ANY (:busy)
        AND NOT EXISTS (
            SELECT FROM webhook_delivery before
            WHERE before.endpoint_id = d.endpoint_id AND before.order_id = d.order_id
            AND before.sequence < d.sequence AND before.state = 'PENDING'
        )
        AND NOT EXISTS (
            SELECT FROM order_history step
            WHERE step.order_id = d.order_id AND step.sequence < d.sequence
            AND step.occurred_at >= e.created_at AND step.occurred_at > :overtaken
            AND NOT EXISTS (
                SELECT FROM webhook_delivery told
                WHERE told.endpoint_id = d.endpoint_id AND told.order_id = d.order_id
                AND told.sequence = step.sequence
            )
        )
    ), mine AS (
        SELECT d.id FROM webhook_delivery d JOIN due ON due.id = d.id
        WHERE due.place <= :at_once_to_one AND d.state = 'PENDING' AND d.next_attempt_at <= :now
        ORDER BY d.next_attempt_at LIMIT :at_once FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE webhook_delivery d SET attempts = attempts + 1, next_attempt_at = :leased_until
    FROM mine, webhook_endpoint e WHERE d.id = mine.id AND e.id = d.endpoint_id
    RETURNING d.id, d.endpoint_id, e.url, d.event_id, d.order_id, d.attempts, d.body
""")


@dataclass(frozen=True)
class _Claimed:
    id: UUID
    endpoint_id: UUID
    url: str
    event_id: UUID
    order_id: UUID
    attempts: int
    body: str


@dataclass(frozen=True)
class _Answer:
    """`fault` says why it does not count as delivered; None when it does."""

    status: int | None
    fault: str | None


def pause_after(attempts: int, first: float) -> float:
    """Seconds until the next attempt: doubling, with jitter so that partners that come back are
    not called by all at once."""
    return float(first * 2 ** (attempts - 1) * random.uniform(0.75, 1.25))


class WebhookSender:
    """One for a process; notified of new deliveries by the database, and looking by itself."""

    def __init__(self, database: Database, settings: Settings, *, look_every: float = 5.0) -> None:
        """`look_every` (seconds) is for a notification that got lost."""
        self._database = database
        self._settings = settings
        self._look_every = look_every
        self._wake = asyncio.Event()
        self._sending: dict[asyncio.Task[None], UUID] = {}

    async def run(self) -> None:
        """Until cancelled; then it finishes the attempts in hand. Survives all else."""
        backoff = Backoff()
        try:
            while True:
                try:
                    await self._send_what_is_due(backoff)
                except (psycopg.Error, OSError, *DATABASE_GONE) as error:
                    log.warning("webhooks interrupted", reason=type(error).__name__)
                except Exception:
                    log.exception("webhooks failed")
                await backoff.pause()
        finally:
            if self._sending:
                await asyncio.wait(self._sending, timeout=_FINISH_WITHIN)
            for task in self._sending:
                task.cancel()
            if "_http" in self.__dict__:
                await self._http.aclose()

    async def _send_what_is_due(self, backoff: Backoff) -> None:
        async with await connect(self._database.url) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            listening = asyncio.create_task(self._listen(connection))
            try:
                while not listening.done():
                    self._wake.clear()
                    moment = now()
                    for claimed in await self._claim(moment):
                        task = asyncio.create_task(self._attempt(claimed))
                        self._sending[task] = claimed.endpoint_id
                        task.add_done_callback(self._done)
                    backoff.reset()
                    pause = await self._until_next(moment)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._wake.wait()
                await listening  # raises what ended it
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        try:
            async for _ in connection.notifies():
                self._wake.set()
        finally:
            self._wake.set()

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease ends, and then it is tried again.
            log.warning("outcome of a webhook not noted", reason=type(error).__name__)

    async def _claim(self, moment: datetime) -> Sequence[_Claimed]:
        free = _AT_ONCE - len(self._sending)
        if free <= 0:
            return []
        async with self._database.session() as session:
            rows = await session.execute(
                _CLAIM,
                {
                    "now": moment,
                    "busy": list(set(self._sending.values())),
                    "overtaken": moment - _OVERTAKEN_AFTER,
                    "at_once_to_one": _AT_ONCE_TO_ONE,
                    "at_once": free,
                    "leased_until": moment + _LEASE,
                },
            )
            return [_Claimed(*row) for row in rows]

    async def _until_next(self, moment: datetime) -> float:
        """Seconds until something is due, at most those between two looks."""
        # What was due at the moment of the look waits for something else: its endpoint, or the
        # step before it.
        async with self._database.session() as session:
            due: datetime | None = await session.scalar(
                sa.select(sa.func.min(WebhookDelivery.next_attempt_at)).where(
                    WebhookDelivery.state == Delivery.PENDING,
                    WebhookDelivery.next_attempt_at > moment,
                )
            )
        if due is None:
            return self._look_every
        return min(self._look_every, max(0.0, (due - now()).total_seconds()))

    async def _attempt(self, claimed: _Claimed) -> None:
        answer = await self._post(claimed)
        changes: dict[str, object] = {"last_status": answer.status, "last_error": answer.fault}
        if answer.fault is None:
            changes |= {"state": Delivery.DELIVERED, "delivered_at": now()}
            outcome = "delivered"
        elif claimed.attempts >= self._settings.webhook_attempts:
            changes |= {"state": Delivery.PARKED}
            outcome = "parked"
        else:
            pause = pause_after(claimed.attempts, self._settings.webhook_first_delay)
            changes |= {"next_attempt_at": now() + timedelta(seconds=pause)}
            outcome = "postponed"
        async with self._database.session() as session:
            await session.execute(
                sa.update(WebhookDelivery)
                .where(
                    WebhookDelivery.id == claimed.id,
                    # Not when somebody has asked for it again, or it was claimed again meanwhile.
                    WebhookDelivery.state == Delivery.PENDING,
                    WebhookDelivery.attempts == claimed.attempts,
                )
                .values(changes)
            )
        metrics.webhook_deliveries_total.labels(outcome).inc()
        log.info(
            f"webhook {outcome}",
            order_id=str(claimed.order_id),
            event_id=str(claimed.event_id),
            endpoint_id=str(claimed.endpoint_id),
            attempt=claimed.attempts,
            reason=answer.fault,
        )

    async def _post(self, claimed: _Claimed) -> _Answer:
        """One attempt. A fault of the partner's server is an answer; its body is not read."""
        timestamp = int(time.time())
        secret = secret_of(claimed.endpoint_id, self._settings.secret_key)
        webhook_id = str(claimed.event_id)
        try:
            async with asyncio.timeout(self._settings.webhook_timeout):
                url = httpx.URL(claimed.url)
                address = await resolve(
                    url, private_allowed=self._settings.webhook_private_addresses
                )
                async with self._http.stream(
                    "POST",
                    url.copy_with(host=address),
                    content=claimed.body.encode(),
                    headers={
                        "Host": url.netloc.decode(),
                        "Content-Type": "application/json",
                        "User-Agent": "atelier-webhooks/1",
                        "Webhook-Id": webhook_id,
                        "Webhook-Timestamp": str(timestamp),
                        "Webhook-Signature": sign(secret, webhook_id, timestamp, claimed.body),
                    },
                    # The certificate must be the name's, though the address is called.
                    extensions={"sni_hostname": url.host},
                ) as response:
                    status = response.status_code
        except AddressRefused as refused:
            return _Answer(None, str(refused))
        except TimeoutError:
            return _Answer(None, f"no answer within {self._settings.webhook_timeout:g} seconds")
        except (httpx.HTTPError, OSError, UnicodeError, ValueError) as error:
            return _Answer(None, f"no answer: {type(error).__name__}")
        if 200 <= status < 300:
            return _Answer(status, None)
        return _Answer(status, f"answered with status {status}")

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        # Made when first needed: it loads all certificates. No connection is kept: one is chosen by
        # address, and another host of the same address must not get it. No proxy of the machine's
        # environment: the address that was looked at is to be called.
        return httpx.AsyncClient(
            timeout=None,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
