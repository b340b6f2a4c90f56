"""Operations on work orders in the `mes` database: what the factory does, and what it is told.

The factory's own steps (take, complete, pack, ship) are its operators'. All other steps arrive as
the shop's `order.*` events, and its own come back among them, recognised as already done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from atelier.data.columns import now
from atelier.data.mes import FINAL, Operator, WorkOrder, WorkOrderHistory
from atelier.domain import lifecycle
from atelier.domain.lifecycle import Owner, State
from atelier.following import is_due
from atelier.messaging import outbox
from atelier.messaging.consumer import NotYet, Refused
from atelier.messaging.event import Event

# Orders that nobody has submitted yet are no work.
_BEFORE_WORK = (State.INITIATED, State.FILE_UPLOADED)


class WorkOrderNotFound(Exception):
    def __init__(self, number: str) -> None:
        super().__init__(f"There is no work order {number}.")


class AlreadyTaken(Exception):
    """`operator_name` says whose it is."""

    def __init__(self, number: str, operator_name: str) -> None:
        super().__init__(f"{number} has already been taken by {operator_name}.")
        self.operator_name = operator_name


async def take(session: AsyncSession, number: str, operator: Operator) -> WorkOrder:
    """Exclusively. Raises WorkOrderNotFound, AlreadyTaken, IllegalTransition."""
    work = await _locked(session, number)
    if work.operator_id is not None:
        holder = await session.get_one(Operator, work.operator_id)
        raise AlreadyTaken(number, holder.name)
    work.operator_id = operator.id
    return await _own_step(session, work, State.MANUFACTURING_STARTED, operator)


async def complete(session: AsyncSession, number: str, operator: Operator) -> WorkOrder:
    """Raises WorkOrderNotFound, IllegalTransition."""
    return await move(session, number, State.MANUFACTURING_COMPLETED, operator)


async def pack(session: AsyncSession, number: str, operator: Operator) -> WorkOrder:
    """Raises WorkOrderNotFound, IllegalTransition."""
    return await move(session, number, State.PACKAGING, operator)


async def ship(session: AsyncSession, number: str, operator: Operator) -> WorkOrder:
    """Raises WorkOrderNotFound, IllegalTransition."""
    return await move(session, number, State.SHIPPED, operator)


async def move(session: AsyncSession, number: str, to: State, operator: Operator) -> WorkOrder:
    """Any operator may take a piece further, since shifts change; only `take` is exclusive.

    Raises WorkOrderNotFound, AlreadyTaken (for the step that takes), IllegalTransition.
    """
    if to is State.MANUFACTURING_STARTED:
        return await take(session, number, operator)
    return await _own_step(session, await _locked(session, number), to, operator)


async def by_number(session: AsyncSession, number: str) -> WorkOrder | None:
    return await session.scalar(_with_operator().where(WorkOrder.number == number))


async def active(session: AsyncSession) -> Sequence[WorkOrder]:
    """All work that is not finished for good, newest first."""
    query = _with_operator().where(WorkOrder.state.not_in(FINAL))
    return (await session.scalars(query.order_by(WorkOrder.created_at.desc()))).all()


async def history(session: AsyncSession, order_id: UUID) -> Sequence[WorkOrderHistory]:
    """Oldest first."""
    query = sa.select(WorkOrderHistory).where(WorkOrderHistory.order_id == order_id)
    return (await session.scalars(query.order_by(WorkOrderHistory.sequence))).all()


async def handle(session: AsyncSession, event: Event) -> None:
    """What the shop tells about an order. Raises NotYet, Refused."""
    domain, _, name = event.type.partition(".")
    if domain != "order" or name.upper() not in State.__members__:
        raise Refused(f"the factory does not know events of type {event.type!r}")
    to = State[name.upper()]
    if to in _BEFORE_WORK or (to is State.CANCELLED and event.data["from"] in _BEFORE_WORK):
        return
    work = await session.get(WorkOrder, event.order_id, with_for_update=True)
    if work is None:
        if to is not State.SUBMITTED:
            raise NotYet(f"{event.type} came before order.submitted")
        await _open(session, event)
        return
    # Whoever owns the step has made it: the factory only asks whether it follows.
    if is_due(work.state, to):
        if work.state != event.data["from"]:
            raise NotYet(f"{event.type} follows {event.data['from']}, but here is {work.state}")
        if event.data["price"] is not None:
            work.price = Decimal(event.data["price"])
        _step(session, work, to, event.actor, event.id, event.occurred_at)


async def _open(session: AsyncSession, event: Event) -> None:
    content = event.data
    opened = await session.scalar(
        insert(WorkOrder)
        .values(
            order_id=event.order_id,
            number=content["number"],
            state=State.SUBMITTED,
            sequence=0,
            metal=content["metal"],
            model_checksum=content["model_checksum"],
            model_name=content["model_name"],
            source=content["source"],
        )
        .on_conflict_do_nothing(index_elements=["order_id"])
        .returning(WorkOrder)
    )
    if opened is not None:
        _step(session, opened, State.SUBMITTED, event.actor, event.id, event.occurred_at)


async def _locked(session: AsyncSession, number: str) -> WorkOrder:
    query = sa.select(WorkOrder).where(WorkOrder.number == number).with_for_update()
    work = await session.scalar(query, execution_options={"populate_existing": True})
    if work is None:
        raise WorkOrderNotFound(number)
    return work


async def _own_step(
    session: AsyncSession, work: WorkOrder, to: State, operator: Operator
) -> WorkOrder:
    lifecycle.check(work.state, to, Owner.OPERATOR)
    event = Event(
        type=f"work.{to.lower()}",
        order_id=work.order_id,
        actor=f"operator:{operator.id}",
        occurred_at=now(),
        data={"number": work.number, "from": work.state, "to": to},
    )
    _step(session, work, to, event.actor, event.id, event.occurred_at)
    await outbox.append(session, event)
    return work


def _step(
    session: AsyncSession,
    work: WorkOrder,
    to: State,
    actor: str,
    event_id: UUID,
    occurred_at: datetime,
) -> None:
    before = work.state if work.sequence else None
    work.state = to
    work.sequence += 1
    work.updated_at = now()
    session.add(
        WorkOrderHistory(
            order_id=work.order_id,
            sequence=work.sequence,
            from_state=before,
            to_state=to,
            actor=actor,
            event_id=event_id,
            occurred_at=occurred_at,
        )
    )


def _with_operator() -> sa.Select[WorkOrder]:
    return sa.select(WorkOrder).options(joinedload(WorkOrder.operator))
