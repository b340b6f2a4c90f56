"""Orders that somebody should look at, and why: the promise is broken, or nothing goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from atelier.data.shop import Order
from atelier.domain import promises
from atelier.languages import LazyText, ngettext_lazy
from atelier.languages import gettext_lazy as _
from atelier.usecases import overdue

LISTED: Final = 200


class Kind(StrEnum):
    """What is wrong with an order."""

    OVERDUE = "overdue"
    STALLED = "stalled"


@dataclass(frozen=True)
class Concern:
    """One thing that is wrong: since when, and in words."""

    kind: Kind
    since: datetime
    text: LazyText


@dataclass(frozen=True)
class LateOrder:
    """An order with all that is wrong with it."""

    order: Order
    concerns: Sequence[Concern]


@dataclass(frozen=True)
class LateOrders:
    """The orders that need attention, longest late first; `more` when there are others."""

    orders: Sequence[LateOrder]
    more: bool


async def needed(session: AsyncSession, at: datetime) -> LateOrders:
    """What needs attention at the time `at`."""
    query = (
        sa.select(Order)
        .options(joinedload(Order.customer), joinedload(Order.partner))
        .where(sa.or_(overdue.is_overdue(at), overdue.is_stalled(at)))
        .order_by(overdue.late_since(), Order.id)
        .limit(LISTED + 1)
    )
    found = (await session.scalars(query)).all()
    late = [LateOrder(order, concerns(order, at)) for order in found[:LISTED]]
    return LateOrders(late, more=len(found) > LISTED)


async def count(session: AsyncSession, at: datetime) -> int:
    """How many orders need attention, of `LISTED` and one more at most: a menu tells no more."""
    late = sa.select(Order.id).where(sa.or_(overdue.is_overdue(at), overdue.is_stalled(at)))
    some = late.limit(LISTED + 1).subquery()
    return (await session.scalars(sa.select(sa.func.count()).select_from(some))).one()


def concerns(order: Order, at: datetime) -> list[Concern]:
    """All that is wrong with one order at the time `at`."""
    found = []
    if order.promised_at and promises.is_overdue(order.state, order.promised_at, at):
        late = _in_words(at - order.promised_at)
        text = _("Promised date missed by %(time)s", time=late)
        found.append(Concern(Kind.OVERDUE, order.promised_at, text))
    allowed = promises.limit(order.state)
    if allowed is not None and promises.is_stalled(order.state, order.updated_at, at):
        found.append(
            Concern(
                Kind.STALLED,
                order.updated_at + allowed,
                _(
                    "“%(state)s” for %(time)s, where %(most)s is the most",
                    state=order.state.label,
                    time=_in_words(at - order.updated_at),
                    most=_in_words(allowed),
                ),
            )
        )
    return found


def _in_words(time: timedelta) -> LazyText:
    """The largest whole unit of a time.

    >>> print(_in_words(timedelta(days=2, hours=5)), _in_words(timedelta(hours=1, minutes=59)))
    2 days 1 hour
    """
    minutes = int(time.total_seconds()) // 60
    if days := minutes // (24 * 60):
        return ngettext_lazy("%(count)s day", "%(count)s days", days)
    if hours := minutes // 60:
        return ngettext_lazy("%(count)s hour", "%(count)s hours", hours)
    if minutes:
        return ngettext_lazy("%(count)s minute", "%(count)s minutes", minutes)
    return _("less than a minute")
