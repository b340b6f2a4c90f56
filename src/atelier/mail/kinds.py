"""Which steps of an order a customer gets a letter about."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from atelier.domain.lifecycle import State
from atelier.messaging.event import Event


class Kind(StrEnum):
    """What a letter is about; each has a template of this name in every language."""

    PRICE = "price"
    PRICING_FAILED = "pricing_failed"
    SENT_BACK = "sent_back"
    APPROVAL = "approval"
    SHIPPING = "shipping"
    CANCELLATION = "cancellation"
    CANCELLATION_REFUSED = "cancellation_refused"


CONFIRMATION: Final = "confirmation"
"""The letter that asks to confirm the address."""
PASSWORD: Final = "password"
"""The letter by which a forgotten password is replaced."""
OF_ACCOUNTS: Final = (CONFIRMATION, PASSWORD)
"""The letters that follow from no step of an order."""

_BY_TYPE = {
    "order.price_calculated": Kind.PRICE,
    "order.pricing_failed": Kind.PRICING_FAILED,
    "order.manufacturing_approved": Kind.APPROVAL,
    "order.shipped": Kind.SHIPPING,
    "order.cancelled": Kind.CANCELLATION,
    "work.cancellation_refused": Kind.CANCELLATION_REFUSED,
}

EVENTS = tuple(_BY_TYPE)
"""The types of the events that lead to letters."""


def kind_of(event: Event) -> Kind | None:
    """The letter that follows from `event`; None for events that no customer waits for.

    A price comes from the calculation, or once more when a seller sends a confirmed order back.
    """
    kind = _BY_TYPE.get(event.type)
    if kind is Kind.PRICE and event.data.get("from") != State.SUBMITTED:
        return Kind.SENT_BACK
    return kind
