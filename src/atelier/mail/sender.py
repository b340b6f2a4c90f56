"""Sends the letters that are due."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.cancellation import to_its_end
from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Customer, Email, Order
from atelier.mail.composing import Letterhead, compose, compose_of_account
from atelier.mail.transport import Transport, Undeliverable, Unreachable
from atelier.messaging.backoff import Backoff
from atelier.messaging.handler import DATABASE_GONE
from atelier.telemetry import metrics

log = structlog.get_logger(__name__)

TRIES = 10
"""The waits between them add up to about eight hours."""


class Sender:
    """Each letter leaves at least once: it counts as sent only when the server has taken it.

    Whoever sends a letter holds its row locked, so several processes may send at the same time. A
    letter that the server refuses is tried again after `first_wait` seconds, then twice as long
    each time, `TRIES` times in all; then, or when it is refused for good, it is parked with the
    reason. A server that cannot be reached counts against no letter.
    """

    def __init__(
        self,
        database: Database,
        transport: Transport,
        head: Letterhead,
        *,
        first_wait: float = 60.0,
        look_every: float = 1.0,
    ) -> None:
        """`wake` is for letters of this process; `look_every` (seconds) for all others."""
        self._database = database
        self._transport = transport
        self._head = head
        self._first_wait = first_wait
        self._look_every = look_every
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Somebody has written a letter down."""
        self._news.set()

    async def run(self) -> None:
        """Until cancelled; then it finishes the letter in hand. Survives all else."""
        backoff = Backoff(most=30.0)
        while True:
            try:
                self._news.clear()
                while await to_its_end(self._send_one()):
                    backoff.reset()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._look_every):
                        await self._news.wait()
                continue
            except (Unreachable, *DATABASE_GONE) as error:
                log.warning("mail interrupted", reason=_reason(error))
            except Exception:
                log.exception("mail failed")
            await backoff.pause()

    async def _send_one(self) -> bool:
        """Whether there was a letter to send, so that there may be more."""
        async with self._database.session() as session:
            email = await _next(session, now())
            if email is None:
                return False
            try:
                await self._send(session, email)
            except Undeliverable as refusal:
                self._postpone(email, str(refusal), for_good=refusal.for_good)
            else:
                email.sent_at = now()
                metrics.emails_total.labels("sent").inc()
            return True

    async def _send(self, session: AsyncSession, email: Email) -> None:
        customer = await session.get_one(Customer, email.customer_id)
        order = await session.get_one(Order, email.order_id) if email.order_id else None
        try:
            message = (
                compose_of_account(email, customer, self._head)
                if order is None
                else compose(email, order, customer, self._head)
            )
        except Exception as error:
            # The other letters shall not wait for it. Without the error's own words, which may
            # quote the name or the address that it stumbled over.
            raise Undeliverable(f"not composed: {type(error).__name__}", for_good=True) from None
        await self._transport.send(message)

    def _postpone(self, email: Email, reason: str, *, for_good: bool) -> None:
        email.attempts += 1
        email.fault = reason
        if for_good or email.attempts >= TRIES:
            email.parked_at = now()
            what = "letter parked"
            metrics.emails_total.labels("given_up").inc()
        else:
            wait = self._first_wait * 2 ** (email.attempts - 1)
            email.due_at = now() + timedelta(seconds=wait)
            what = "letter postponed"
            metrics.emails_total.labels("postponed").inc()
        log.warning(
            what,
            email_id=str(email.id),
            order_id=str(email.order_id or ""),
            kind=email.kind,
            attempts=email.attempts,
            reason=reason,
        )


async def _next(session: AsyncSession, at: datetime) -> Email | None:
    confirmed = sa.exists().where(
        Customer.id == Email.customer_id, Customer.confirmed_at.is_not(None)
    )
    query = (
        sa.select(Email)
        .where(Email.sent_at.is_(None), Email.parked_at.is_(None), Email.due_at <= at)
        .where(sa.or_(Email.order_id.is_(None), confirmed))
        .order_by(Email.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(query)


def _reason(error: Exception) -> str:
    # Of what a database says only the kind: its words may quote a row.
    return str(error) if isinstance(error, Unreachable) else type(error).__name__
