"""The submissions of an order: one whose model is replaced is submitted again."""

from __future__ import annotations

from atelier.data.shop import Order
from atelier.messaging.event import Event

# What pricing finds out about a model.
_FOUND_OUT = (
    "price",
    "metal_cost",
    "making_cost",
    "finish_cost",
    "volume_mm3",
    "weight_g",
    "failure_code",
    "failure",
    "failure_message",
)


def submission_of(event: Event) -> int:
    """Which of its order's submissions an event is about, from 1.

    Services of the version before do not tell it: to them every order is submitted once.
    """
    number: int = event.data.get("submission", 1)
    return number


def begin_another(order: Order) -> None:
    """The model is replaced: what was found out about the one before holds no more."""
    order.submission += 1
    for column in _FOUND_OUT:
        setattr(order, column, None)
