"""What the partner API says of orders and estimates."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from atelier.data.shop import Estimate, Order, OrderHistory
from atelier.domain.delivery import may_change
from atelier.domain.lifecycle import TRANSITIONS, Owner, State
from atelier.languages import LazyText
from atelier.web.documents import CURRENCY, DeliveryAddress, Design, delivery_address, design

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10",
    "number": "AT-7K3M9Q",
    "state": "PRICE_CALCULATED",
    "metal": "gold-750",
    "finish": "polished",
    "design": None,
    "address": None,
    "price": "1234.56",
    "price_parts": {"metal": "1100.00", "making": "116.56", "finish": "18.00"},
    "currency": "EUR",
    "reference": "PO-2026-118",
    "failure": None,
    "sent_back": "The band is thinner than 1 mm.",
    "promised_at": None,
    "tracking_number": None,
    "cancellation_requested": False,
    "created_at": "2026-03-07T09:05:12.345678Z",
    "updated_at": "2026-03-07T09:05:13.012345Z",
    "links": {
        "self": "/api/v1/orders/0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10",
        "confirm": "/api/v1/orders/0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10/confirm",
        "address": None,
        "model": "/api/v1/orders/0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10/model",
        "cancel": "/api/v1/orders/0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10/cancel",
    },
}


class Links(BaseModel):
    """Where to go from here. What you can do with the order is there while it is possible."""

    model_config = ConfigDict(serialize_by_alias=True)

    order: str = Field(serialization_alias="self")
    confirm: str | None = None
    address: str | None = None
    model: str | None = None
    cancel: str | None = None


class PriceParts(BaseModel):
    """What a price is made of; the parts add up to it."""

    metal: Decimal
    making: Decimal
    finish: Decimal


class OrderDocument(BaseModel):
    """An order as its partner sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    number: str = Field(description="What people call the order.")
    state: State = Field(description="Where the order is in its life.")
    metal: str
    finish: str
    design: Design | None = Field(
        description="The ring, where it was drawn in our constructor; null for a model that was "
        "uploaded."
    )
    address: DeliveryAddress | None = Field(
        description="Where the piece is sent, as it was last given; null before the confirmation."
    )
    price: Decimal | None = Field(
        description="Total with two places, as a string; null until the price is calculated."
    )
    price_parts: PriceParts | None
    currency: str = Field(description="Currency of `price`, ISO 4217.")
    reference: str | None = Field(description="Your own reference, as you gave it.")
    failure: str | None = Field(description="Why no price is possible, in state PRICING_FAILED.")
    sent_back: str | None = Field(
        description="What our sales desk said when it sent the order back to you; null where it "
        "does not stand sent back."
    )
    promised_at: datetime | None = Field(
        description="When the piece will be shipped, at the latest."
    )
    tracking_number: str | None = Field(description="The carrier's, from state SHIPPED on.")
    cancellation_requested: bool = Field(
        description="You have cancelled an approved order, and the workshop has yet to say whether "
        "it had begun."
    )
    created_at: datetime
    updated_at: datetime
    links: Links


class Confirmation(BaseModel):
    """What a confirmation takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    address: DeliveryAddress = Field(description="Where we send the piece.")


class OrdersPage(BaseModel):
    """A page of orders, newest first. `next` is the address of the page after it, if there is one;
    orders that are placed meanwhile do not move it."""

    orders: list[OrderDocument]
    next: str | None


class EstimateLinks(BaseModel):
    """Where to find the estimate again."""

    model_config = ConfigDict(serialize_by_alias=True)

    estimate: str = Field(serialization_alias="self")


class EstimateDocument(BaseModel):
    """What a piece would cost. It is found for a day, and binds nobody."""

    id: UUID
    state: Literal["PENDING", "CALCULATED", "FAILED"]
    metal: str
    finish: str
    price: Decimal | None = Field(description="Total with two places, in state CALCULATED.")
    price_parts: PriceParts | None
    currency: str = Field(description="Currency of `price`, ISO 4217.")
    volume_mm3: Decimal | None
    weight_g: Decimal | None
    failure: str | None = Field(description="Why no price is possible, in state FAILED.")
    created_at: datetime
    expires_at: datetime
    links: EstimateLinks


def order_document(order: Order, sent_back: str | None = None) -> OrderDocument:
    """The document of a partner's order as it is now; `sent_back` is why, where it is that."""
    here = f"/api/v1/orders/{order.id}"
    waits = order.state is State.PRICE_CALCULATED
    replaceable = Owner.PARTNER in TRANSITIONS.get((order.state, State.FILE_UPLOADED), ())
    asked = order.cancellation_requested_by is not None
    can_cancel = Owner.PARTNER in TRANSITIONS.get((order.state, State.CANCELLED), ()) and not asked
    address_changes = may_change(order.state, Owner.PARTNER, order.address)
    return OrderDocument(
        id=order.id,
        number=order.number,
        state=order.state,
        metal=order.metal or "",
        finish=order.finish or "",
        design=design(order.design),
        address=delivery_address(order.address),
        price=order.price,
        price_parts=_parts(order),
        currency=CURRENCY,
        reference=order.reference,
        failure=_told(order.failure_told),
        sent_back=sent_back,
        promised_at=order.promised_at,
        tracking_number=order.tracking_number,
        cancellation_requested=asked,
        created_at=order.created_at,
        updated_at=order.updated_at,
        links=Links(
            order=here,
            confirm=f"{here}/confirm" if waits else None,
            address=f"{here}/address" if address_changes else None,
            model=f"{here}/model" if replaceable else None,
            cancel=f"{here}/cancel" if can_cancel else None,
        ),
    )


def accepted_document(
    order: Order, submitted: OrderHistory, metal: str, finish: str
) -> OrderDocument:
    """The document of the order as it was `submitted`, in this metal and finish where they are not
    "".

    A repeated request gets the answer of the original one, however far the order is by now; what
    that left as it was is told as it is now.
    """
    now = order_document(order)
    return now.model_copy(
        update={
            "state": submitted.to_state,
            "metal": metal or now.metal,
            "finish": finish or now.finish,
            "address": None if submitted.sequence == 1 else now.address,
            "price": None,
            "price_parts": None,
            "failure": None,
            "promised_at": None,
            "tracking_number": None,
            "cancellation_requested": False,
            "updated_at": submitted.occurred_at,
            "links": Links(order=now.links.order, cancel=f"{now.links.order}/cancel"),
        }
    )


def estimate_document(estimate: Estimate, expires_at: datetime) -> EstimateDocument:
    """The document of an estimate as it is now."""
    state: Literal["PENDING", "CALCULATED", "FAILED"] = "PENDING"
    if estimate.price is not None:
        state = "CALCULATED"
    elif estimate.failure is not None:
        state = "FAILED"
    return EstimateDocument(
        id=estimate.id,
        state=state,
        metal=estimate.metal,
        finish=estimate.finish,
        price=estimate.price,
        price_parts=_parts(estimate),
        currency=CURRENCY,
        volume_mm3=estimate.volume_mm3,
        weight_g=estimate.weight_g,
        failure=_told(estimate.failure_told),
        created_at=estimate.created_at,
        expires_at=expires_at,
        links=EstimateLinks(estimate=f"/api/v1/estimates/{estimate.id}"),
    )


def _told(failure: LazyText | None) -> str | None:
    return None if failure is None else str(failure)


def _parts(priced: Order | Estimate) -> PriceParts | None:
    metal, making, finish = priced.metal_cost, priced.making_cost, priced.finish_cost
    if metal is None or making is None or finish is None:
        return None
    return PriceParts(metal=metal, making=making, finish=finish)
