from __future__ import annotations

from uuid import uuid4

import pytest

from atelier.mail.kinds import EVENTS, Kind, kind_of
from atelier.messaging.event import Event
from atelier.services import SUBSCRIPTIONS


def event(type_: str, **data: str) -> Event:
    return Event(type=type_, order_id=uuid4(), actor="seller:1", data=data)


@pytest.mark.parametrize(
    ("type_", "before", "kind"),
    [
        ("order.price_calculated", "SUBMITTED", Kind.PRICE),
        ("order.price_calculated", "CONFIRMED", Kind.SENT_BACK),
        ("order.pricing_failed", "SUBMITTED", Kind.PRICING_FAILED),
        ("order.manufacturing_approved", "CONFIRMED", Kind.APPROVAL),
        ("order.shipped", "PACKAGING", Kind.SHIPPING),
        ("order.cancelled", "CONFIRMED", Kind.CANCELLATION),
        ("work.cancellation_refused", "MANUFACTURING_STARTED", Kind.CANCELLATION_REFUSED),
    ],
)
def test_a_customer_hears_of_what_matters(type_: str, before: str, kind: Kind) -> None:
    assert kind_of(event(type_, **{"from": before})) is kind
    assert type_ in EVENTS


@pytest.mark.parametrize(
    "type_", ["order.initiated", "order.confirmed", "order.packaging", "order.overdue", "work.x"]
)
def test_of_other_steps_a_customer_hears_nothing(type_: str) -> None:
    assert kind_of(event(type_)) is None
    assert type_ not in EVENTS


def test_the_queue_gets_what_leads_to_letters() -> None:
    assert set(SUBSCRIPTIONS["shop.mail"].patterns) == set(EVENTS)
