"""What a seller does: look orders up, approve them, close them. Pages and API share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from atelier import orders
from atelier.data.database import Reading
from atelier.data.shop import Order, OrderHistory, Seller
from atelier.domain.lifecycle import Owner, State
from atelier.web.own_writes import writing, written_before
from atelier.web.scope import resources_of
from atelier.web.sessions import signed_in

T = TypeVar("T")


async def _seller(request: Request) -> Seller:
    return await signed_in(request, resources_of(request).shop, Seller)


SignedIn = Annotated[Seller, Depends(_seller)]

ACTS: Final[Mapping[str, State]] = {
    "approve": State.MANUFACTURING_APPROVED,
    "close": State.CLOSED,
}
"""What a seller can do with an order, and the state that it leads to."""


@dataclass(frozen=True)
class Case:
    """An order with its history, oldest first."""

    order: Order
    history: Sequence[OrderHistory]


async def find(request: Request, text: str) -> Sequence[Order]:
    """What `orders.search` finds."""
    return await _read(request, lambda session: orders.search(session, text))


async def look_up(request: Request, number: str) -> Case:
    """One order. Raises OrderNotFound."""

    async def look(session: AsyncSession) -> Case:
        order = await orders.by_number(session, number)
        if order is None:
            raise orders.OrderNotFound(number)
        return Case(order, await orders.history(session, order.id))

    return await _read(request, look)


async def act(request: Request, seller: Seller, number: str, act: str) -> None:
    """Does one of `ACTS`. Raises OrderNotFound, IllegalTransition."""
    async with writing(request, resources_of(request).shop) as session:
        order = await orders.by_number(session, number)
        if order is None:
            raise orders.OrderNotFound(number)
        await orders.move(
            session, order.id, ACTS[act], owner=Owner.SELLER, actor=f"seller:{seller.id}"
        )


async def _read(request: Request, work: Reading[T]) -> T:
    """From the replica, as soon as that has what this seller has changed."""
    return await resources_of(request).shop.read(work, after=written_before(request))
