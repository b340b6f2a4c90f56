"""What follows what in the life of an order, and what is told of it, for `order_flow`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from aio_pika.abc import AbstractIncomingMessage

from atelier.domain.delivery import Address
from atelier.domain.lifecycle import HAPPY_PATH, SENT_BACK, State
from atelier.mail.kinds import Kind

GOING_WELL = dict(pairwise(HAPPY_PATH[HAPPY_PATH.index(State.PRICE_CALCULATED) :]))
LETTERS = {
    (State.SUBMITTED, State.PRICE_CALCULATED): Kind.PRICE,
    SENT_BACK: Kind.SENT_BACK,
    (State.SUBMITTED, State.PRICING_FAILED): Kind.PRICING_FAILED,
    (State.CONFIRMED, State.MANUFACTURING_APPROVED): Kind.APPROVAL,
    (State.PACKAGING, State.SHIPPED): Kind.SHIPPING,
}


def address_in(house: int) -> Address:
    return Address("Anna", f"Am Markt {house}", "DE", postal_code="04109", city="Leipzig")


@dataclass(frozen=True)
class Held:
    queue: str
    message: AbstractIncomingMessage = field(repr=False)
