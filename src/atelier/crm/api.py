"""The CRM's orders as JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from atelier.crm import desk
from atelier.data.shop import Order
from atelier.domain.lifecycle import State
from atelier.web.documents import CURRENCY, Step, step

router = APIRouter(prefix="/api/orders")


class Party(BaseModel):
    """Who ordered: a customer has an e-mail address, a partner company has none."""

    name: str
    email: str | None


class Summary(BaseModel):
    """An order in a list. Money and measures are decimal strings."""

    id: UUID
    number: str
    state: State
    source: str
    customer: Party | None
    partner: Party | None
    reference: str | None
    metal: str | None
    model_name: str | None
    model_checksum: str | None
    volume_mm3: Decimal | None
    weight_g: Decimal | None
    price: Decimal | None
    currency: str
    failure: str | None
    sequence: int
    created_at: datetime
    updated_at: datetime


class Detail(Summary):
    """An order with its history, oldest first."""

    history: list[Step]


class Found(BaseModel):
    """What a search found, newest first."""

    orders: list[Summary]


@router.get("")
async def find(request: Request, _: desk.SignedIn, q: str = "") -> Found:
    """Searches by number, e-mail, name or partner."""
    return Found(orders=[_summary(order) for order in await desk.find(request, q)])


@router.get("/{number}")
async def look_up(request: Request, _: desk.SignedIn, number: str) -> Detail:
    """One order with its history."""
    case = await desk.look_up(request, number)
    history = [step(entry) for entry in case.history]
    return Detail(**_summary(case.order).model_dump(), history=history)


@router.post("/{number}/{act}")
async def act(
    request: Request, seller: desk.SignedIn, number: str, act: Literal["approve", "close"]
) -> Detail:
    """Approves or closes an order; the answer shows it as it is then."""
    await desk.act(request, seller, number, act)
    return await look_up(request, seller, number)


def _summary(order: Order) -> Summary:
    customer, partner = order.customer, order.partner
    return Summary(
        id=order.id,
        number=order.number,
        state=order.state,
        source=order.source,
        customer=Party(name=customer.name, email=customer.email) if customer else None,
        partner=Party(name=partner.name, email=None) if partner else None,
        reference=order.reference,
        metal=order.metal,
        model_name=order.model_name,
        model_checksum=order.model_checksum,
        volume_mm3=order.volume_mm3,
        weight_g=order.weight_g,
        price=order.price,
        currency=CURRENCY,
        failure=order.failure,
        sequence=order.sequence,
        created_at=order.created_at,
        updated_at=order.updated_at,
    )
