"""What a partner's webhook is sent: its document, for webhooks and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field

from atelier.data.shop import Order
from atelier.domain.lifecycle import State
from atelier.messaging.event import Event
from atelier.web.documents import CURRENCY


class OrderStep(BaseModel):
    """The order as it was after this step."""

    model_config = ConfigDict(serialize_by_alias=True)

    order: str = Field(description="Where the order is found.")
    id: UUID
    number: str
    reference: str | None
    sequence: int = Field(description="Which step of the order's life this is, from 1.")
    came_from: State | None = Field(serialization_alias="from")
    state: State
    metal: str
    finish: str
    price: Decimal | None
    currency: str
    promised_at: datetime | None
    reason: str | None = Field(
        description="Why, where somebody cancelled the order or sent it back, or why there is no "
        "price."
    )


class WebhookMessage(BaseModel):
    """What is sent, in the form of the Standard Webhooks specification."""

    type: str = Field(examples=["order.price_calculated"])
    timestamp: datetime
    data: OrderStep


def message(event: Event, order: Order) -> str:
    """The body of the webhook for a step of `order`, as JSON."""
    told = event.data
    content = WebhookMessage(
        type=event.type,
        timestamp=event.occurred_at,
        data=OrderStep(
            order=f"/api/v1/orders/{order.id}",
            id=order.id,
            number=order.number,
            reference=order.reference,
            sequence=told["sequence"],
            came_from=told["from"],
            state=told["to"],
            metal=told["metal"],
            finish=told["finish"],
            price=told["price"],
            currency=CURRENCY,
            promised_at=told["promised_at"],
            reason=_reason(told, order),
        ),
    )
    return content.model_dump_json()


def _reason(told: Mapping[str, Any], order: Order) -> str | None:
    if told["to"] != State.PRICING_FAILED:
        reason: str | None = told["reason"]
        return reason
    # The order knows it until the model is replaced. Services of the version before do not tell it.
    failure: str | None = told.get("failure", order.failure)
    return failure


router: Final = APIRouter(tags=["Webhooks"])


@router.post(
    "order-step",
    summary="What your webhook is sent",
    responses={200: {"description": "Any status from 200 to 299 says that you have it."}},
)
def order_step(
    message: WebhookMessage,
    webhook_id: Annotated[
        UUID, Header(description="The same again when this is sent again: take it once.")
    ],
    webhook_timestamp: Annotated[
        int, Header(description="Seconds since 1970. Refuse what is older than five minutes.")
    ],
    webhook_signature: Annotated[
        str,
        Header(
            description="`v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`. The key "
            "is the base64 after `whsec_` in your secret. Compare before you read the body."
        ),
    ],
) -> None:
    """Each step of each of your orders, in the order of the steps, once per webhook.

    When your server does not answer within 5 seconds, or not with a status from 200 to 299, we try
    again, less and less often, for about a day; then the delivery is parked. You find it in the
    list of deliveries and can have it delivered again.
    """
