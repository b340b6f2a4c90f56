"""What the partner API says: the order document, and every problem that can be answered."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from atelier.data.shop import Order, OrderHistory
from atelier.domain.lifecycle import State
from atelier.web.documents import CURRENCY
from atelier.web.refusal import PROBLEM_MEDIA_TYPE

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10",
    "number": "AT-7K3M9Q",
    "state": "PRICE_CALCULATED",
    "metal": "gold-750",
    "price": "1234.56",
    "currency": "EUR",
    "reference": "PO-2026-118",
    "failure": None,
    "created_at": "2026-03-07T09:05:12.345678Z",
    "updated_at": "2026-03-07T09:05:13.012345Z",
    "links": {
        "self": "/api/v1/orders/0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10",
        "confirm": "/api/v1/orders/0d9c8c64-6a4c-4a3e-9a56-1f9f3c2b7a10/confirm",
    },
}


class Links(BaseModel):
    """Where to go from here. `confirm` is there while the order waits for its confirmation."""

    model_config = ConfigDict(serialize_by_alias=True)

    order: str = Field(serialization_alias="self")
    confirm: str | None = None


class OrderDocument(BaseModel):
    """An order as its partner sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    number: str = Field(description="What people call the order.")
    state: State = Field(description="Where the order is in its life.")
    metal: str
    price: Decimal | None = Field(
        description="Total with two places, as a string; null until the price is calculated."
    )
    currency: str = Field(description="Currency of `price`, ISO 4217.")
    reference: str | None = Field(description="Your own reference, as you gave it.")
    failure: str | None = Field(description="Why no price is possible, in state PRICING_FAILED.")
    created_at: datetime
    updated_at: datetime
    links: Links


def order_document(order: Order) -> OrderDocument:
    """The document of a partner's order as it is now."""
    here = f"/api/v1/orders/{order.id}"
    waits = order.state is State.PRICE_CALCULATED
    return OrderDocument(
        id=order.id,
        number=order.number,
        state=order.state,
        metal=order.metal or "",
        price=order.price,
        currency=CURRENCY,
        reference=order.reference,
        failure=order.failure,
        created_at=order.created_at,
        updated_at=order.updated_at,
        links=Links(order=here, confirm=f"{here}/confirm" if waits else None),
    )


def accepted_document(order: Order, first: OrderHistory) -> OrderDocument:
    """The document of the order as it was accepted, by the `first` entry of its history.

    A repeated request gets the answer of the original one, however far the order is by now.
    """
    now = order_document(order)
    return now.model_copy(
        update={
            "state": first.to_state,
            "price": None,
            "failure": None,
            "updated_at": first.occurred_at,
            "links": Links(order=now.links.order),
        }
    )


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    fault: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(
        description="Names the kind of problem; programs decide by it.",
        examples=["urn:atelier:problem:unknown-metal"],
    )
    title: str
    status: int
    detail: str = Field(description="What was expected, what was found and what to do, for people.")
    instance: str = Field(description="The path of the request.")
    errors: list[Fault] | None = Field(default=None, description="For invalid requests only.")


_PROBLEMS: Final[dict[int, tuple[str, tuple[str, ...]]]] = {
    400: (
        "The idempotency key is missing or malformed, or the body cannot be read.",
        ("idempotency-key-missing", "idempotency-key-malformed", "bad-request"),
    ),
    401: ("The API key is missing, unknown or revoked.", ("api-key-missing", "api-key-unknown")),
    404: ("You have no such order.", ("order-not-found",)),
    409: ("The order's state does not allow this.", ("forbidden-transition",)),
    413: ("The model is larger than the limit.", ("model-too-large",)),
    415: ("The body is not multipart/form-data.", ("unsupported-media-type",)),
    422: ("Something in the request is not valid.", ("invalid-request",)),
}

PLACING_422: Final = (
    "Nothing was ordered: a field is missing, the metal is unknown, the file is no complete STL "
    "model, or the idempotency key was used for another order.",
    (
        "invalid-request",
        "unknown-metal",
        "model-not-stl",
        "model-truncated",
        "model-empty",
        "idempotency-key-reused",
    ),
)


def problems(
    *statuses: int, instead: dict[int, tuple[str, tuple[str, ...]]] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can answer these problems, with an example for each type."""
    told = {**_PROBLEMS, **(instead or {})}
    return {status: _problem_response(status, *told[status]) for status in statuses}


def _problem_response(status: int, description: str, slugs: tuple[str, ...]) -> dict[str, Any]:
    examples = {
        slug: {
            "value": {
                "type": f"urn:atelier:problem:{slug}",
                "title": slug.replace("-", " ").capitalize(),
                "status": status,
                "detail": description,
                "instance": "/api/v1/orders",
            }
        }
        for slug in slugs
    }
    return {
        "description": description,
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": examples,
            }
        },
    }
