"""Where a piece is sent: given with the confirmation, changed until it is too late, and told to the
factory.

The factory knows the address of an approved order. Of several it keeps the one that was given last,
in whatever order it is told of them, and none that comes after the parcel has left: then the shop
is told where that went.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data import address_column
from atelier.data.mes import WorkOrder
from atelier.data.shop import Order
from atelier.domain.delivery import Address, AddressFixed, may_change
from atelier.domain.lifecycle import FACTORY_STEPS, Owner, State
from atelier.messaging import outbox
from atelier.messaging.event import Event
from atelier.messaging.handler import NotYet
from atelier.usecases import orders
from atelier.usecases.order_events import event_of

_TOLD = (State.MANUFACTURING_APPROVED, *FACTORY_STEPS)


async def confirm(
    session: AsyncSession, order_id: UUID, address: Address, *, owner: Owner, actor: str
) -> Order:
    """Orders the piece at its price, to be sent to `address`.

    Raises OrderNotFound, IllegalTransition.
    """
    order = await _locked(session, order_id)
    return await orders.move(
        session,
        order.id,
        State.CONFIRMED,
        owner=owner,
        actor=actor,
        address=address,
        address_version=order.address_version + 1,
    )


async def change_address(
    session: AsyncSession, order_id: UUID, address: Address, *, owner: Owner, actor: str
) -> Order:
    """The piece goes there instead. The address that it has already changes nothing.

    Raises OrderNotFound, AddressFixed.
    """
    order = await _locked(session, order_id)
    if not may_change(order.state, owner, order.address):
        raise AddressFixed(order.state)
    if order.address == address:
        return order
    order.address = address
    order.address_version += 1
    order.updated_at = now()
    if order.state in _TOLD:
        await outbox.append(session, event_of(order, "address_changed", actor))
    return order


async def last_of(session: AsyncSession, customer_id: UUID) -> Address | None:
    """The one that a customer has given last, for whichever order."""
    query = (
        sa.select(Order.address)
        .where(Order.customer_id == customer_id, Order.address.is_not(None))
        .order_by(Order.updated_at.desc())
        .limit(1)
    )
    return await session.scalar(query)


async def hear(session: AsyncSession, event: Event) -> None:
    """The factory is told of `order.address_changed`. Raises NotYet."""
    work = await session.get(WorkOrder, event.order_id, with_for_update=True)
    if work is None or work.order_sequence < event.data["sequence"]:
        raise NotYet("told of an address before the step that it came after")
    note(work, event)


def note(work: WorkOrder, event: Event) -> None:
    """The address in `event`, if it has one that is newer than the factory's and not too late."""
    told: dict[str, Any] | None = event.data.get("address")
    version = event.data.get("address_version", 0)
    if told is None or version <= work.address_version or work.state not in _TOLD[:-1]:
        return
    work.address = address_column.from_dict(told)
    work.address_version = version


async def _locked(session: AsyncSession, order_id: UUID) -> Order:
    order = await session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None:
        raise orders.OrderNotFound(order_id)
    return order
