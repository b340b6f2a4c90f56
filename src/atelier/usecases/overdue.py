"""Which orders break their promise or stand still, as conditions on rows; and the check that tells
of each, once for each time it happens."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.cancellation import to_its_end
from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Order
from atelier.domain.promises import KEPT, LIMITS
from atelier.messaging import outbox
from atelier.messaging.backoff import Backoff
from atelier.messaging.handler import DATABASE_GONE
from atelier.usecases.order_events import event_of

log = structlog.get_logger(__name__)

_ACTOR = "watcher"  # as events say it that are kept already
_BATCH = 100  # orders of each kind in one transaction


def is_overdue(at: datetime) -> sa.ColumnElement[bool]:
    """`promises.is_overdue`, as a condition on orders."""
    # The states as literals: only so does the partial index fit.
    kept: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{state}'") for state in KEPT]
    return sa.and_(Order.promised_at < at, Order.state.not_in(kept))


def is_stalled(at: datetime) -> sa.ColumnElement[bool]:
    """`promises.is_stalled`, as a condition on orders."""
    return sa.or_(
        *(
            sa.and_(Order.state == state, Order.updated_at < at - limit)
            for state, limit in LIMITS.items()
        )
    )


def late_since() -> sa.ColumnElement[datetime]:
    """When an order became overdue or stalled, or will: the earlier of the two moments."""
    return sa.func.least(
        sa.case(
            *((Order.state == state, Order.updated_at + limit) for state, limit in LIMITS.items())
        ),
        sa.case((Order.state.not_in(KEPT), Order.promised_at)),
    )


async def look(session: AsyncSession, at: datetime) -> int:
    """Note what has become overdue or stalled by the time `at`, with an event for each; the number
    of them, at most a batch of each kind.

    Orders that somebody else is working on, or looking at, are passed over: the next look finds
    them if it is still so.
    """
    overdue = await _mark(
        session,
        sa.and_(
            is_overdue(at),
            # A new promise, after the order was sent back and confirmed again, can be broken anew.
            sa.or_(Order.overdue_at.is_(None), Order.overdue_at < Order.promised_at),
        ),
        overdue_at=at,
    )
    stalled = await _mark(
        session,
        sa.and_(
            is_stalled(at),
            sa.or_(Order.stalled_at.is_(None), Order.stalled_at < Order.updated_at),
        ),
        stalled_at=at,
    )
    for name, found in (("overdue", overdue), ("stalled", stalled)):
        for order in found:
            event = event_of(order, name, _ACTOR)
            await outbox.append(session, event.model_copy(update={"occurred_at": at}))
    return len(overdue) + len(stalled)


class OverdueCheck:
    """Looks for orders that have become overdue or stalled, every `every` seconds.

    Several processes may do so at the same time.
    """

    def __init__(self, database: Database, *, every: float) -> None:
        self._database = database
        self._every = every

    async def run(self) -> None:
        """Until cancelled; then it finishes the look in hand. Survives all else."""
        backoff = Backoff()
        while True:
            try:
                while await to_its_end(self._look()):
                    pass
                backoff.reset()
                await asyncio.sleep(self._every)
                continue
            except DATABASE_GONE as error:
                log.warning("overdue check interrupted", reason=type(error).__name__)
            except Exception:
                log.exception("overdue check failed")
            await backoff.pause()

    async def _look(self) -> bool:
        """Whether there may be more to find."""
        async with self._database.session() as session:
            found = await look(session, now())
        if found:
            log.warning("orders overdue or stalled", found=found)
        return found >= _BATCH


async def _mark(
    session: AsyncSession, condition: sa.ColumnElement[bool], **changes: Any
) -> list[Order]:
    """The orders that fulfil `condition`, locked and changed."""
    found = (
        sa.select(Order.id).where(condition).limit(_BATCH).with_for_update(skip_locked=True)
    ).cte("found")
    # `updated_at` stays: nothing about the order itself has changed, and it tells since when the
    # order stands still.
    marked = (
        sa.update(Order)
        .where(Order.id.in_(sa.select(found.c.id)))
        .values(**changes, updated_at=Order.updated_at)
        .returning(Order)
        .execution_options(synchronize_session=False)
    )
    return list(await session.scalars(marked))
