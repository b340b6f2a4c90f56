"""What a webhook says of a step."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from atelier.data.shop import Order
from atelier.messaging.event import Event
from atelier.partner.webhooks.message import message


def told(failure_of_the_order: str | None, **changes: Any) -> str | None:
    """The reason in the webhook for a step of an order that tells this failure by now."""
    order = Order(id=uuid4(), number="AT-7K3M9Q", failure=failure_of_the_order)
    step = {
        "sequence": 2,
        "from": "SUBMITTED",
        "to": "PRICING_FAILED",
        "reason": None,
        "metal": "gold-585",
        "finish": "satin",
        "price": None,
        "promised_at": None,
    }
    event = Event(type="order.step", order_id=order.id, actor="pricing", data={**step, **changes})
    reason: str | None = json.loads(message(event, order))["data"]["reason"]
    return reason


@pytest.mark.parametrize("by_now", ["A hole.", None, "Too thin."])
def test_why_there_is_no_price_is_told_though_the_model_was_replaced_since(
    by_now: str | None,
) -> None:
    assert told(by_now, failure="A hole.") == "A hole."


def test_services_of_the_version_before_leave_it_to_the_order() -> None:
    assert told("A hole.") == "A hole."


def test_why_an_order_was_sent_back_is_told() -> None:
    step = {"from": "CONFIRMED", "to": "PRICE_CALCULATED", "failure": None}
    assert told(None, **step, reason="The band is thin.") == "The band is thin."
