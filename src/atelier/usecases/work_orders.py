"""Operations on work orders in the `mes` database: what the factory does, and what it is told.

The factory's own steps (take, complete, pack, ship) are its operators'. All other steps arrive as
the shop's `order.*` events, numbered, and its own come back among them, recognised as already done.
Whether an approved order can still be cancelled is the factory's to say, since it may have begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from atelier.clock import now
from atelier.data import address_column, design_column
from atelier.data.mes import IS_ACTIVE, Operator, WorkOrder, WorkOrderHistory
from atelier.domain import lifecycle
from atelier.domain.delivery import AddressMissing
from atelier.domain.lifecycle import BEFORE_SUBMISSION, Owner, State
from atelier.domain.promises import NOTICES
from atelier.languages import gettext_lazy
from atelier.messaging import outbox
from atelier.messaging.event import Event
from atelier.messaging.handler import NotYet, Refused
from atelier.usecases import delivery
from atelier.usecases.submissions import submission_of

# Orders that nobody has submitted yet are no work; one that is changed and not submitted again is.


class WorkOrderNotFound(Exception):
    def __init__(self, number: str) -> None:
        super().__init__(gettext_lazy("There is no work order %(number)s.", number=number))


class AlreadyTaken(Exception):
    """`operator_name` says whose it is."""

    def __init__(self, number: str, operator_name: str) -> None:
        super().__init__(
            gettext_lazy(
                "%(number)s has already been taken by %(name)s.", number=number, name=operator_name
            )
        )
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


async def ship(
    session: AsyncSession, number: str, operator: Operator, tracking_number: str | None = None
) -> WorkOrder:
    """Raises WorkOrderNotFound, IllegalTransition, AddressMissing."""
    work = await _locked(session, number)
    work.tracking_number = tracking_number
    return await _own_step(session, work, State.SHIPPED, operator)


async def move(session: AsyncSession, number: str, to: State, operator: Operator) -> WorkOrder:
    """Any operator may take a piece further, since shifts change; only `take` is exclusive.

    Raises WorkOrderNotFound, AlreadyTaken (for the step that takes), IllegalTransition,
    AddressMissing (for the one that ships).
    """
    if to is State.MANUFACTURING_STARTED:
        return await take(session, number, operator)
    return await _own_step(session, await _locked(session, number), to, operator)


async def by_number(session: AsyncSession, number: str) -> WorkOrder | None:
    return await session.scalar(_with_operator().where(WorkOrder.number == number))


def active() -> sa.Select[WorkOrder]:
    """All work that is not finished for good, in any order."""
    return _with_operator().where(sa.text(IS_ACTIVE))


async def history(session: AsyncSession, order_id: UUID) -> Sequence[WorkOrderHistory]:
    """Oldest first."""
    query = sa.select(WorkOrderHistory).where(WorkOrderHistory.order_id == order_id)
    return (await session.scalars(query.order_by(WorkOrderHistory.sequence))).all()


async def handle(session: AsyncSession, event: Event) -> None:
    """What the shop tells about an order. Raises NotYet, Refused."""
    domain, _, name = event.type.partition(".")
    if event.type == "order.cancellation_requested":
        await _answer_cancellation(session, event)
        return
    if event.type == "order.address_changed":
        await delivery.hear(session, event)
        return
    if event.type in NOTICES:
        return
    if domain != "order" or name.upper() not in State.__members__:
        raise Refused(f"the factory does not know events of type {event.type!r}")
    to = State[name.upper()]
    work = await session.get(WorkOrder, event.order_id, with_for_update=True)
    if work is None:
        await _begin(session, event, to)
        return
    sequence = event.data["sequence"]
    if sequence <= work.order_sequence:
        return
    if sequence > work.order_sequence + 1:
        raise NotYet(f"{event.type} is step {sequence}, after step {work.order_sequence}")
    work.order_sequence = sequence
    # Whoever owns the step has made it: the factory only asks whether it follows.
    if work.state == event.data["from"]:
        # Services of the version before do not tell, and begin no submission but the first.
        work.submission = max(work.submission, submission_of(event))
        if to in (State.FILE_UPLOADED, State.SUBMITTED):
            for column, value in _piece(event).items():
                setattr(work, column, value)
        price = event.data["price"]
        if price is not None or to is State.FILE_UPLOADED:
            work.price = None if price is None else Decimal(price)
        work.promised_at = _moment(event.data["promised_at"])
        _step(session, work, to, event.actor, event.id, event.occurred_at, event.data["reason"])
        delivery.note(work, event)
    elif work.state is not to and not lifecycle.is_behind(to, work.state):
        raise Refused(f"told of {to}, which an order that is {work.state} cannot reach")


async def _answer_cancellation(session: AsyncSession, event: Event) -> None:
    """Tell the shop whether the order is cancelled, or that the work on it has begun."""
    work = await session.get(WorkOrder, event.order_id, with_for_update=True)
    if work is None or work.order_sequence < event.data["sequence"]:
        raise NotYet("asked to cancel an order that has not been told of as approved")
    cancelled = work.state is State.MANUFACTURING_APPROVED
    answer = Event(
        type="work.cancelled" if cancelled else "work.cancellation_refused",
        order_id=work.order_id,
        actor=event.actor,
        occurred_at=now(),
        data={"number": work.number, "from": work.state},
    )
    if cancelled:
        reason = event.data["reason"]
        _step(session, work, State.CANCELLED, event.actor, answer.id, answer.occurred_at, reason)
    await outbox.append(session, answer)


async def _begin(session: AsyncSession, event: Event, to: State) -> None:
    """What is told of an order that the factory does not have yet. Raises NotYet."""
    first = submission_of(event) == 1
    if first and to is State.SUBMITTED:
        await _open(session, event)
        return
    unsubmitted = to in BEFORE_SUBMISSION or (
        to is State.CANCELLED and event.data["from"] in BEFORE_SUBMISSION
    )
    if not (first and unsubmitted):
        raise NotYet(f"{event.type} came before the first order.submitted")


async def _open(session: AsyncSession, event: Event) -> None:
    content = event.data
    opened = await session.scalar(
        insert(WorkOrder)
        .values(
            order_id=event.order_id,
            number=content["number"],
            state=State.SUBMITTED,
            sequence=0,
            source=content["source"],
            order_sequence=content["sequence"],
            **_piece(event),
        )
        .on_conflict_do_nothing(index_elements=["order_id"])
        .returning(WorkOrder)
    )
    if opened is not None:
        _step(session, opened, State.SUBMITTED, event.actor, event.id, event.occurred_at)


def _piece(event: Event) -> dict[str, Any]:
    """What is to be made, as columns of a work order."""
    content = event.data
    design = content.get("design")  # services of the version before do not tell of it
    return {
        "metal": content["metal"],
        "finish": content["finish"],
        "model_checksum": content["model_checksum"],
        "model_name": content["model_name"],
        "design": None if design is None else design_column.from_dict(design),
    }


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
    if to is State.SHIPPED and work.address is None:
        raise AddressMissing(work.number)
    event = Event(
        type=f"work.{to.lower()}",
        order_id=work.order_id,
        actor=f"operator:{operator.id}",
        occurred_at=now(),
        data={
            "number": work.number,
            "from": work.state,
            "to": to,
            "actor_name": operator.name,
            "tracking_number": work.tracking_number,
            **_gone_to(work, to),
        },
    )
    _step(session, work, to, event.actor, event.id, event.occurred_at)
    await outbox.append(session, event)
    return work


def _gone_to(work: WorkOrder, to: State) -> dict[str, Any]:
    """The shop is told where the parcel has gone: the address may have been changed meanwhile."""
    if to is not State.SHIPPED or work.address is None:
        return {}
    return {"address": address_column.to_dict(work.address)}


def _step(
    session: AsyncSession,
    work: WorkOrder,
    to: State,
    actor: str,
    event_id: UUID,
    occurred_at: datetime,
    reason: str | None = None,
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
            reason=reason,
            occurred_at=occurred_at,
        )
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _with_operator() -> sa.Select[WorkOrder]:
    return sa.select(WorkOrder).options(joinedload(WorkOrder.operator))
