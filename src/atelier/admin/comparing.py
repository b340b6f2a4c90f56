"""What the shop and the factory know of the same orders, and in what they do not agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa

from atelier.data.database import Database
from atelier.data.mes import FINAL, IS_ACTIVE, Calculation, CalculationRequest, WorkOrder
from atelier.data.shop import Order, OrderHistory
from atelier.domain.lifecycle import BEFORE_SUBMISSION, State

Kind = Literal[
    "missing in mes",
    "unknown to the shop",
    "states differ",
    "prices differ",
    "not answered",
    "not published",
    "not consumed",
    "lost on its way",
    "waits for too long",
    "not told by webhook",
    "dead letter",
]

_UNDER_WAY: Final = tuple(set(State) - set(FINAL) - set(BEFORE_SUBMISSION))
_AT_ONCE: Final = 1000  # rows


@dataclass(frozen=True)
class Difference:
    """`repairable` where the order's events, sent again, may help; else only a person can.

    `event_id` is the event that is concerned, where it is one.
    """

    kind: Kind
    where: str
    detail: str
    order_id: UUID | None = None
    repairable: bool = False
    event_id: UUID | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        ids = {name: value and str(value) for name, value in self._ids.items()}
        return {**asdict(self), **ids}

    @property
    def _ids(self) -> dict[str, UUID | None]:
        return {"order_id": self.order_id, "event_id": self.event_id}


@dataclass(frozen=True)
class _Order:
    """What one system knows of an order; `is_asked` where pricing has a request for it."""

    id: UUID
    number: str
    state: State
    price: Decimal | None
    changed_at: datetime
    calculated: Decimal | None = None
    calculated_at: datetime | None = None
    is_asked: bool = False


async def all_orders(shop: Database, mes: Database, settled: datetime) -> AsyncIterator[Difference]:
    """What differs in any order that has not changed since `settled`."""
    pairs = _side_by_side(_orders(shop), _work_orders(mes))
    async for ordered, work in pairs:
        for difference in _compare(ordered, work, settled):
            yield difference


async def current_orders(
    shop: Database, mes: Database, since: datetime, settled: datetime
) -> AsyncIterator[Difference]:
    """The same of the orders that one of the two has not finished, or that have changed since
    `since`: a million finished ones cost nothing."""
    ids = sorted(await _current(shop, mes, since))
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        async for ordered, work in _side_by_side(_orders(shop, some), _work_orders(mes, some)):
            for difference in _compare(ordered, work, settled):
                yield difference


async def _current(shop: Database, mes: Database, since: datetime) -> set[UUID]:
    in_shop = sa.select(Order.id).where(
        sa.or_(
            Order.state.in_(_UNDER_WAY),
            sa.and_(Order.state.in_(BEFORE_SUBMISSION), Order.submission > 1),
            sa.and_(Order.state.in_(FINAL), Order.updated_at > since),
        )
    )
    in_mes = sa.select(WorkOrder.order_id).where(sa.text(IS_ACTIVE))
    async with shop.session() as session:
        found = set(await session.scalars(in_shop))
    async with mes.session() as session:
        return found | set(await session.scalars(in_mes))


def _compare(ordered: _Order | None, work: _Order | None, settled: datetime) -> list[Difference]:
    known = ordered or work
    if known is None or any(each and each.changed_at > settled for each in (ordered, work)):
        return []
    if ordered is None:
        return [_about(known, "unknown to the shop", f"the MES has it as {known.state}")]
    if work is None:
        return [_about(known, "missing in mes", f"the shop has it as {known.state}", True)]
    if ordered.state is State.SUBMITTED and work.state is State.SUBMITTED:
        return _unanswered(ordered, work, settled)
    if ordered.state is not work.state:
        detail = f"the shop has it as {ordered.state}, the MES as {work.state}"
        return [_about(known, "states differ", detail, True)]
    prices = {"shop": ordered.price, "MES": work.price, "pricing": work.calculated}
    told = {where: price for where, price in prices.items() if price is not None}
    if len(set(told.values())) > 1:
        detail = ", ".join(f"{where} {price}" for where, price in told.items())
        return [_about(known, "prices differ", detail)]
    return []


def _unanswered(ordered: _Order, work: _Order, settled: datetime) -> list[Difference]:
    if work.calculated_at is None and work.is_asked:
        return []  # its model waits for its turn
    if work.calculated_at is None:
        detail = "it was submitted, but never calculated"
        return [_about(ordered, "not answered", detail, True)]
    if work.calculated_at < settled:
        detail = "it was calculated, but the shop does not know"
        return [_about(ordered, "not answered", detail, True)]
    return []


def _about(order: _Order, kind: Kind, detail: str, repairable: bool = False) -> Difference:
    return Difference(kind, order.number, detail, order.id, repairable)


async def _orders(shop: Database, only: Sequence[UUID] | None = None) -> AsyncIterator[_Order]:
    """What the shop has given to the factory, by id."""
    submitted = sa.exists().where(
        OrderHistory.order_id == Order.id, OrderHistory.to_state == State.SUBMITTED
    )
    query = (
        sa.select(Order.id, Order.number, Order.state, Order.price, Order.updated_at)
        .where(
            sa.or_(Order.state.not_in(BEFORE_SUBMISSION), Order.submission > 1),
            sa.or_(Order.state != State.CANCELLED, submitted),
        )
        .order_by(Order.id)
    )
    if only is not None:
        query = query.where(Order.id.in_(only))
    async with shop.session() as session:
        rows = await session.stream(query, execution_options={"yield_per": _AT_ONCE})
        async for row in rows:
            yield _Order(*row)


async def _work_orders(mes: Database, only: Sequence[UUID] | None = None) -> AsyncIterator[_Order]:
    query = (
        sa.select(
            WorkOrder.order_id,
            WorkOrder.number,
            WorkOrder.state,
            WorkOrder.price,
            WorkOrder.updated_at,
            Calculation.total,
            Calculation.calculated_at,
            CalculationRequest.id.is_not(None),
        )
        .outerjoin(
            Calculation,
            sa.and_(
                Calculation.order_id == WorkOrder.order_id,
                Calculation.submission == WorkOrder.submission,
            ),
        )
        .outerjoin(
            CalculationRequest,
            sa.and_(
                CalculationRequest.order_id == WorkOrder.order_id,
                CalculationRequest.submission == WorkOrder.submission,
            ),
        )
        .order_by(WorkOrder.order_id)
    )
    if only is not None:
        query = query.where(WorkOrder.order_id.in_(only))
    async with mes.session() as session:
        rows = await session.stream(query, execution_options={"yield_per": _AT_ONCE})
        async for row in rows:
            yield _Order(*row)


async def _side_by_side(
    left: AsyncIterator[_Order], right: AsyncIterator[_Order]
) -> AsyncIterator[tuple[_Order | None, _Order | None]]:
    """Both in the order of their ids, so that a million orders take no memory."""
    one, other = await anext(left, None), await anext(right, None)
    while one or other:
        if other is None or (one is not None and one.id < other.id):
            yield one, None
            one = await anext(left, None)
        elif one is None or other.id < one.id:
            yield None, other
            other = await anext(right, None)
        else:
            yield one, other
            one, other = await anext(left, None), await anext(right, None)
