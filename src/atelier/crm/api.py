"""The CRM as JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from atelier.crm import service
from atelier.crm.attention import Concern, Kind
from atelier.crm.search import Wanted
from atelier.data.shop import Customer, Order, OrderNote
from atelier.domain.lifecycle import State
from atelier.web.address_form import sent_address
from atelier.web.documents import (
    CURRENCY,
    DeliveryAddress,
    Design,
    Step,
    delivery_address,
    design,
    step,
)
from atelier.web.model_view import model_routes

router = APIRouter(prefix="/api")
router.include_router(model_routes("/orders/{number}", service.model))

Text = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str | None, Query(max_length=200)]


class Party(BaseModel):
    """Who ordered: a customer has an e-mail address, a partner company has none."""

    id: UUID
    name: str
    email: str | None


class Summary(BaseModel):
    """An order in a list. Money and measures are decimal strings; `design` is null for a model that
    was uploaded."""

    id: UUID
    number: str
    state: State
    source: str
    customer: Party | None
    partner: Party | None
    reference: str | None
    metal: str | None
    finish: str | None
    model_name: str | None
    model_checksum: str | None
    design: Design | None
    volume_mm3: Decimal | None
    weight_g: Decimal | None
    price: Decimal | None
    currency: str
    failure: str | None
    promised_at: datetime | None
    tracking_number: str | None
    cancellation_requested: bool
    sent_back: str | None = Field(
        description="What the seller said who sent the order back; null where it does not stand "
        "sent back."
    )
    sequence: int
    created_at: datetime
    updated_at: datetime


class Note(BaseModel):
    """What a seller wrote down about an order."""

    id: UUID
    text: str
    author: str
    created_at: datetime


class Trouble(BaseModel):
    """One thing that is wrong with an order, since when, and in words."""

    kind: Kind
    since: datetime
    text: str


class Detail(Summary):
    """An order with its history, oldest first, its notes, newest first, and what is wrong.

    `address` is null while nobody has given one."""

    address: DeliveryAddress | None
    history: list[Step]
    notes: list[Note]
    concerns: list[Trouble]


class Found(BaseModel):
    """A page of what a search found, newest first; `next` is the cursor of the next one."""

    orders: list[Summary]
    next: str | None


class CustomerDocument(BaseModel):
    """A customer of the shop; their orders are found with `/api/orders?customer=…`."""

    id: UUID
    name: str
    email: str
    language: str
    created_at: datetime


class FoundCustomers(BaseModel):
    """A page of what a search found, newest first; `next` is the cursor of the next one."""

    customers: list[CustomerDocument]
    next: str | None


class Urgent(Summary):
    """An order with all that is wrong with it."""

    concerns: list[Trouble]


class Attention(BaseModel):
    """What needs attention, longest late first; `more` when there are others beyond these."""

    orders: list[Urgent]
    more: bool


class Reason(BaseModel):
    """Why: whoever ordered reads it."""

    reason: str


class NewNote(BaseModel):
    """What colleagues should know."""

    text: str


@router.get("/orders")
async def find(
    request: Request,
    _: service.SignedIn,
    q: Text = "",
    state: State | None = None,
    customer: UUID | None = None,
    partner: UUID | None = None,
    overdue: bool = False,
    sent_back: bool | None = None,
    cursor: Cursor = None,
) -> Found:
    """Searches by a part of number, reference, e-mail or name, and by what else must fit."""
    wanted = Wanted(q, state, customer, partner, overdue, sent_back)
    found = await service.find_orders(request, wanted, cursor)
    return Found(
        orders=[summary(order, found.sent_back.get(order.id)) for order in found.rows],
        next=found.next,
    )


@router.get("/orders/{number}")
async def look_up(request: Request, _: service.SignedIn, number: str) -> Detail:
    """One order with its history, its notes and what is wrong with it."""
    details = await service.look_up(request, number)
    return Detail(
        **summary(details.order, details.sent_back).model_dump(),
        address=delivery_address(details.order.address),
        history=[step(entry, details.names) for entry in details.history],
        notes=[_note(note) for note in details.notes],
        concerns=[_trouble(concern) for concern in details.concerns],
    )


@router.post("/orders/{number}/notes")
async def write_note(
    request: Request, seller: service.SignedIn, number: str, note: NewNote
) -> Detail:
    """Writes something down about an order; the answer shows the order with it."""
    await service.note(request, seller, number, note.text)
    return await look_up(request, seller, number)


@router.put("/orders/{number}/address")
async def change_address(
    request: Request, seller: service.SignedIn, number: str, address: DeliveryAddress
) -> Detail:
    """Has the piece sent there, as long as it is not shipped; from the confirmation on."""
    await service.change_address(request, seller, number, lambda: sent_address(address, ""))
    return await look_up(request, seller, number)


@router.post("/orders/{number}/send-back")
async def send_back(request: Request, seller: service.SignedIn, number: str, why: Reason) -> Detail:
    """Does not approve an order: whoever ordered confirms again, changes it, or cancels."""
    await service.act(request, seller, number, "send-back", why.reason)
    return await look_up(request, seller, number)


@router.post("/orders/{number}/cancel")
async def cancel(request: Request, seller: service.SignedIn, number: str, why: Reason) -> Detail:
    """Cancels an order. One that is approved is `cancellation_requested` until the factory says
    whether it has begun."""
    await service.act(request, seller, number, "cancel", why.reason)
    return await look_up(request, seller, number)


@router.post("/orders/{number}/{act}")
async def act(
    request: Request, seller: service.SignedIn, number: str, act: Literal["approve", "close"]
) -> Detail:
    """Approves or closes an order; the answer shows it as it is then."""
    await service.act(request, seller, number, act)
    return await look_up(request, seller, number)


@router.get("/customers")
async def find_customers(
    request: Request, _: service.SignedIn, q: Text = "", cursor: Cursor = None
) -> FoundCustomers:
    """Searches by a part of name or e-mail address."""
    found = await service.find_customers(request, q, cursor)
    return FoundCustomers(customers=[_customer(row) for row in found.rows], next=found.next)


@router.get("/customers/{customer_id}")
async def look_up_customer(
    request: Request, _: service.SignedIn, customer_id: UUID
) -> CustomerDocument:
    """One customer."""
    return _customer(await service.customer(request, customer_id))


@router.get("/attention")
async def needs_attention(request: Request, _: service.SignedIn) -> Attention:
    """Orders that are overdue or stand still, and why."""
    needed = await service.needs_attention(request)
    return Attention(
        orders=[
            Urgent(
                **summary(late.order).model_dump(),
                concerns=[_trouble(concern) for concern in late.concerns],
            )
            for late in needed.orders
        ],
        more=needed.more,
    )


def summary(order: Order, sent_back: str | None = None) -> Summary:
    """The document of an order that was loaded with whoever ordered; `sent_back` is why it was
    sent back to where it stands."""
    customer, partner = order.customer, order.partner
    return Summary(
        id=order.id,
        number=order.number,
        state=order.state,
        source=order.source,
        customer=Party(id=customer.id, name=customer.name, email=customer.email)
        if customer
        else None,
        partner=Party(id=partner.id, name=partner.name, email=None) if partner else None,
        reference=order.reference,
        metal=order.metal,
        finish=order.finish,
        model_name=order.model_name,
        model_checksum=order.model_checksum,
        design=design(order.design),
        volume_mm3=order.volume_mm3,
        weight_g=order.weight_g,
        price=order.price,
        currency=CURRENCY,
        failure=order.failure,
        promised_at=order.promised_at,
        tracking_number=order.tracking_number,
        cancellation_requested=order.cancellation_requested_by is not None,
        sent_back=sent_back,
        sequence=order.sequence,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )


def _note(note: OrderNote) -> Note:
    return Note(id=note.id, text=note.text, author=note.seller.name, created_at=note.created_at)


def _trouble(concern: Concern) -> Trouble:
    return Trouble(kind=concern.kind, since=concern.since, text=str(concern.text))


def _customer(customer: Customer) -> CustomerDocument:
    return CustomerDocument(
        id=customer.id,
        name=customer.name,
        email=customer.email,
        language=customer.language,
        created_at=customer.created_at,
    )
