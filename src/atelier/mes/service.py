"""What an operator does: see the work, take it, move it on. Pages and API share it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from atelier.data.mes import Calculation, Operator, WorkOrder, WorkOrderHistory
from atelier.domain.lifecycle import Owner, State
from atelier.languages import gettext_lazy
from atelier.mes.listing.live import LiveList
from atelier.usecases import work_orders
from atelier.web.model_pictures import ShownModel
from atelier.web.paging import Page, page_of
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of
from atelier.web.sessions import signed_in


async def _operator(request: Request) -> Operator:
    return await signed_in(request, connections_of(request).mes, Operator)


def work_list_of(request: Request) -> LiveList:
    """The list of work as the process that answers has it."""
    work_list: LiveList = request.app.state.work_list
    return work_list


SignedIn = Annotated[Operator, Depends(_operator)]

Act = Literal["take", "complete", "pack", "ship"]

_STEPS: Final[Mapping[Act, Callable[[AsyncSession, str, Operator], Awaitable[WorkOrder]]]] = {
    "take": work_orders.take,
    "complete": work_orders.complete,
    "pack": work_orders.pack,
}
_PAGE: Final = 500  # pieces
_TRACKING_NUMBER: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z /-]{2,62}[0-9A-Za-z])")

NEXT: Final[Mapping[State, Act]] = {
    State.MANUFACTURING_APPROVED: "take",
    State.MANUFACTURING_STARTED: "complete",
    State.MANUFACTURING_COMPLETED: "pack",
    State.PACKAGING: "ship",
}
"""What operators do with a piece next, in each of the states in which it is theirs to move on."""


@dataclass(frozen=True)
class Job:
    """A work order with its calculation, if there is one yet, and its history, oldest first.

    `names` are those of the operators who took steps, by the steps' numbers: the MES knows nobody
    else.
    """

    work: WorkOrder
    calculation: Calculation | None
    history: Sequence[WorkOrderHistory]
    names: Mapping[int, str]


async def listed(request: Request, cursor: str | None) -> Page[WorkOrder]:
    """A page of the active work, newest first. Raises Refusal for a foreign cursor."""
    async with connections_of(request).mes.session() as session:
        return await page_of(
            session,
            work_orders.active(),
            WorkOrder.created_at,
            WorkOrder.order_id,
            cursor=cursor,
            limit=_PAGE,
        )


async def look_up(request: Request, number: str) -> Job:
    """One piece, in whatever state. Raises WorkOrderNotFound."""
    async with connections_of(request).mes.session() as session:
        found = await work_orders.by_number(session, number)
        if found is None:
            raise work_orders.WorkOrderNotFound(number)
        calculation = await session.get(Calculation, (found.order_id, found.submission))
        history = await work_orders.history(session, found.order_id)
        names = await _names(session, history)
        return Job(found, calculation, history, names)


async def model(request: Request, _: SignedIn, number: str) -> ShownModel:
    """The model of a piece. Raises WorkOrderNotFound."""
    async with connections_of(request).mes.session() as session:
        found = await work_orders.by_number(session, number)
    if found is None:
        raise work_orders.WorkOrderNotFound(number)
    return ShownModel(found.number, found.model_checksum, found.metal)


async def act(
    request: Request, operator: Operator, number: str, act: Act, tracking_number: str = ""
) -> None:
    """Does `act`; to ship takes a tracking number.

    Raises WorkOrderNotFound, AlreadyTaken, IllegalTransition, AddressMissing, Refusal.
    """
    async with connections_of(request).mes.session() as session:
        if act != "ship":
            await _STEPS[act](session, number, operator)
            return
        tracking_number = tracking_number.strip()
        if not _TRACKING_NUMBER.fullmatch(tracking_number):
            raise _NO_TRACKING_NUMBER
        await work_orders.ship(session, number, operator, tracking_number)


async def _names(session: AsyncSession, history: Sequence[WorkOrderHistory]) -> dict[int, str]:
    took = {
        entry.sequence: UUID(entry.actor.partition(":")[2])
        for entry in history
        if entry.actor.startswith(f"{Owner.OPERATOR}:")
    }
    if not took:
        return {}
    found = await session.scalars(sa.select(Operator).where(Operator.id.in_(took.values())))
    names = {operator.id: operator.name for operator in found}
    return {sequence: names[id_] for sequence, id_ in took.items() if id_ in names}


_NO_TRACKING_NUMBER: Final = Refusal(
    422,
    "tracking-number",
    gettext_lazy("Tracking number needed"),
    gettext_lazy(
        "A parcel is shipped with the carrier's tracking number: 4 to 64 letters and digits, "
        "perhaps with spaces, hyphens or strokes between them."
    ),
)
