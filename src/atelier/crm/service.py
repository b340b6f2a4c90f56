"""What a seller does: look customers and orders up, move orders on, note. Pages and API share it.

All is read from the replica, as soon as that has what this seller has changed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Literal, TypeVar
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from starlette.requests import Request

from atelier.clock import now
from atelier.crm import attention, search
from atelier.crm.attention import Concern, LateOrders
from atelier.crm.search import Wanted
from atelier.data.database import Reading
from atelier.data.shop import Customer, Order, OrderHistory, OrderNote, Partner, Seller
from atelier.domain.delivery import Address, AddressFixed, may_change
from atelier.domain.lifecycle import TRANSITIONS, Owner, State, is_sent_back
from atelier.languages import gettext_lazy
from atelier.languages.figures import Figure
from atelier.usecases import delivery, orders, sent_back
from atelier.web.model_pictures import ShownModel
from atelier.web.model_view import NO_MODEL
from atelier.web.paging import Page
from atelier.web.read_your_writes import writing, written_before
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of
from atelier.web.sessions import signed_in

T = TypeVar("T")

KEPT_FOR: Final = 5.0
"""Seconds for which the menu's count is good."""

LONGEST_REASON: Final = 500
LONGEST_NOTE: Final = 4000

Act = Literal["approve", "send-back", "cancel", "close"]
"""What a seller can do with an order."""

_NO_REASON: Final = Refusal(
    422,
    "reason-missing",
    gettext_lazy("No reason given"),
    gettext_lazy("Say why, in a sentence: whoever ordered reads it."),
)
_LONG_REASON: Final = Refusal(
    422,
    "reason-too-long",
    gettext_lazy("The reason is too long"),
    gettext_lazy(
        "%(most)s characters are the most: put the rest into a note.",
        most=Figure(LONGEST_REASON),
    ),
)
_NO_NOTE: Final = Refusal(
    422,
    "note-empty",
    gettext_lazy("The note is empty"),
    gettext_lazy("Write down what colleagues should know, and try again."),
)
_LONG_NOTE: Final = Refusal(
    422,
    "note-too-long",
    gettext_lazy("The note is too long"),
    gettext_lazy(
        "%(most)s characters are the most: make two notes of it.", most=Figure(LONGEST_NOTE)
    ),
)


async def _seller(request: Request) -> Seller:
    return await signed_in(request, connections_of(request).shop, Seller)


SignedIn = Annotated[Seller, Depends(_seller)]


@dataclass(frozen=True)
class OrderDetails:
    """An order with its history, oldest first, its notes, newest first, and what is wrong.

    `names` are those of who took the steps, by the steps' numbers, as far as they are known.
    """

    order: Order
    history: Sequence[OrderHistory]
    names: Mapping[int, str]
    notes: Sequence[OrderNote]
    concerns: Sequence[Concern]

    @property
    def sent_back(self) -> str | None:
        """What was said, where a seller has sent it back to where it stands."""
        if not is_sent_back([entry.to_state for entry in self.history]):
            return None
        return self.history[-1].reason or ""

    @property
    def possible(self) -> set[Act]:
        """What a seller can do with it now."""
        return {
            act
            for act, to in _LEADS_TO.items()
            if Owner.SELLER in TRANSITIONS.get((self.order.state, to), ())
            and not (act == "cancel" and self.order.cancellation_requested_by)
        }


@dataclass(frozen=True)
class FoundOrders:
    """A page of orders; `sent_back` are those of them that were sent back, by id, with the
    reason."""

    rows: Sequence[Order]
    next: str | None
    sent_back: Mapping[UUID, str]


async def find_orders(request: Request, wanted: Wanted, cursor: str | None) -> FoundOrders:
    """A page of the orders that are wanted, newest first. Raises Refusal."""

    async def find(session: AsyncSession) -> FoundOrders:
        found = await search.find_orders(session, wanted, at=now(), cursor=cursor)
        return FoundOrders(found.rows, found.next, await sent_back.reasons(session, found.rows))

    return await _read(request, find)


async def find_customers(request: Request, text: str, cursor: str | None) -> Page[Customer]:
    """A page of the customers whose name or e-mail address has `text` in it. Raises Refusal."""
    return await _read(request, lambda session: search.find_customers(session, text, cursor=cursor))


async def customer(request: Request, customer_id: UUID) -> Customer:
    """Raises Refusal (404)."""
    found = await _read(request, lambda session: session.get(Customer, customer_id))
    if found is None:
        raise Refusal(
            404,
            "customer-not-found",
            gettext_lazy("No such customer"),
            gettext_lazy("There is no such customer."),
        )
    return found


async def partners(request: Request) -> Sequence[Partner]:
    """All partners, by name."""
    return await _read(request, search.partners)


async def needs_attention(request: Request) -> LateOrders:
    """Orders that are overdue or stand still."""
    return await _read(request, lambda session: attention.needed(session, now()))


class AttentionCount:
    """How many orders need attention, for the menu of every page: looked up anew every few seconds,
    however many pages are opened meanwhile."""

    def __init__(self) -> None:
        self._asked_at = -math.inf
        self._count = 0

    async def known(self, request: Request) -> int:
        if time.monotonic() - self._asked_at >= KEPT_FOR:
            self._asked_at = time.monotonic()  # now: whoever comes meanwhile does not ask as well
            try:
                self._count = await _read(request, lambda session: attention.count(session, now()))
            except BaseException:
                self._asked_at = -math.inf  # nobody is told an old count for that
                raise
        return self._count


async def look_up(request: Request, number: str) -> OrderDetails:
    """One order. Raises OrderNotFound."""

    async def look(session: AsyncSession) -> OrderDetails:
        order = await _found(session, number)
        notes = (
            sa.select(OrderNote)
            .options(joinedload(OrderNote.seller))
            .where(OrderNote.order_id == order.id)
            .order_by(OrderNote.created_at.desc(), OrderNote.id)
        )
        history = await orders.history(session, order.id)
        return OrderDetails(
            order,
            history,
            await _names(session, order, history),
            (await session.scalars(notes)).all(),
            attention.concerns(order, now()),
        )

    return await _read_young(request, look)


async def model(request: Request, _: SignedIn, number: str) -> ShownModel:
    """The model of an order. Raises OrderNotFound, and Refusal while there is none."""
    order = await _read_young(request, lambda session: _found(session, number))
    if order.model_checksum is None:
        raise NO_MODEL
    return ShownModel(order.number, order.model_checksum, order.metal)


async def act(request: Request, seller: Seller, number: str, act: Act, reason: str = "") -> None:
    """Does it; sending back and cancelling need a `reason`.

    Raises OrderNotFound, IllegalTransition, Refusal.
    """
    actor = f"seller:{seller.id}"
    does: Callable[[AsyncSession, UUID], Awaitable[Order]]
    if act in ("approve", "close"):
        does = partial(orders.move, to=_LEADS_TO[act], owner=Owner.SELLER, actor=actor)
    else:
        given = _checked(reason, LONGEST_REASON, _NO_REASON, _LONG_REASON)
        if act == "send-back":
            does = partial(orders.send_back, actor=actor, reason=given)
        else:
            does = partial(orders.cancel, owner=Owner.SELLER, actor=actor, reason=given)
    async with writing(request, connections_of(request).shop) as session:
        order = await _found(session, number)
        await does(session, order.id)


async def change_address(
    request: Request, seller: Seller, number: str, given: Callable[[], Address]
) -> None:
    """Has the piece sent to the address that is `given`, if it is not too late.

    Raises OrderNotFound, AddressFixed, and what `given` raises.
    """
    async with writing(request, connections_of(request).shop) as session:
        order = await _found(session, number)
        if not may_change(order.state, Owner.SELLER, order.address):
            raise AddressFixed(order.state)
        actor = f"{Owner.SELLER}:{seller.id}"
        await delivery.change_address(session, order.id, given(), owner=Owner.SELLER, actor=actor)


async def note(request: Request, seller: Seller, number: str, text: str) -> None:
    """Writes something down about an order. Raises OrderNotFound, Refusal."""
    written = _checked(text, LONGEST_NOTE, _NO_NOTE, _LONG_NOTE)
    async with writing(request, connections_of(request).shop) as session:
        order = await _found(session, number)
        session.add(OrderNote(order_id=order.id, seller_id=seller.id, text=written))


_LEADS_TO: Final[Mapping[Act, State]] = {
    "approve": State.MANUFACTURING_APPROVED,
    "send-back": State.PRICE_CALCULATED,
    "cancel": State.CANCELLED,
    "close": State.CLOSED,
}


async def _found(session: AsyncSession, number: str) -> Order:
    order = await orders.by_number(session, number)
    # One without a model is none: somebody opened a page of the version before.
    if order is None or order.model_checksum is None:
        raise orders.OrderNotFound(number)
    return order


async def _names(
    session: AsyncSession, order: Order, history: Sequence[OrderHistory]
) -> dict[int, str]:
    """An operator's is the one that the workshop told with the step: it stays as it was then."""
    names = {}
    if order.customer is not None:
        names[f"customer:{order.customer.id}"] = order.customer.name
    if order.partner is not None:
        names[f"partner:{order.partner.id}"] = order.partner.name
    sellers = {
        UUID(entry.actor.partition(":")[2])
        for entry in history
        if entry.actor.startswith(f"{Owner.SELLER}:")
    }
    if sellers:
        found = await session.scalars(sa.select(Seller).where(Seller.id.in_(sellers)))
        names |= {f"{Owner.SELLER}:{seller.id}": seller.name for seller in found}
    told = {entry.sequence: entry.actor_name or names.get(entry.actor) for entry in history}
    return {sequence: name for sequence, name in told.items() if name}


def _checked(text: str, longest: int, missing: Refusal, too_long: Refusal) -> str:
    # PostgreSQL keeps no zero bytes.
    text = text.replace("\0", "").strip()
    if not text:
        raise missing
    if len(text) > longest:
        raise too_long
    return text


async def _read(request: Request, work: Reading[T]) -> T:
    return await connections_of(request).shop.read(work, after=written_before(request))


async def _read_young(request: Request, work: Reading[T]) -> T:
    """Reads again what the replica does not have yet. Raises OrderNotFound."""
    try:
        return await _read(request, work)
    except orders.OrderNotFound:
        shop = connections_of(request).shop
        return await shop.read(work, after=await shop.position())
