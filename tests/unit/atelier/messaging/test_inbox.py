"""What becomes of an event that could not be handled."""

from __future__ import annotations

import pytest

from atelier.messaging.event import MalformedEvent
from atelier.messaging.handler import NotYet, Refused
from atelier.messaging.inbox import setback
from atelier.services import SUBSCRIPTIONS

DELAYS = (0.2, 1.0, 5.0)


@pytest.mark.parametrize("waited", [0, 1, 3600, 86_400 * 365])
@pytest.mark.parametrize("attempts", [0, 3, 100])
def test_what_came_early_never_dies_of_it(waited: float, attempts: int) -> None:
    early = setback(NotYet("no order yet"), attempts, DELAYS, waited)

    assert (early.outcome, early.attempts) == ("early", attempts)
    assert early.delay is not None
    assert 0 < early.delay <= 60


def test_what_fails_is_tried_again_after_each_delay_and_then_dies() -> None:
    delays, attempts = [], 0
    while (failed := setback(LookupError("locked"), attempts, DELAYS)).delay is not None:
        assert failed.outcome == "postponed"
        delays.append(failed.delay)
        attempts = failed.attempts

    assert tuple(delays) == DELAYS
    assert (failed.outcome, failed.attempts) == ("dead_lettered", 4)
    assert failed.reason == "LookupError: locked"


@pytest.mark.parametrize("error", [Refused("unknown"), MalformedEvent("no event")])
def test_what_can_never_be_handled_dies_at_once(error: Exception) -> None:
    assert setback(error, 0, DELAYS).delay is None


@pytest.mark.parametrize(
    ("quoted", "kept"), [("ruby \ud800", r"ruby \ud800"), ("ruby \0", r"ruby \0")]
)
def test_a_reason_is_text_that_postgresql_takes(quoted: str, kept: str) -> None:
    assert setback(LookupError(quoted), 0, DELAYS).reason == f"LookupError: {kept}"


def test_a_reason_has_an_end() -> None:
    assert len(setback(LookupError("x" * 1_000_000), 0, DELAYS).reason) == 2000


@pytest.mark.parametrize(
    ("queue", "type_", "is_wanted"),
    [
        ("mes.orders", "order.submitted", True),
        ("mes.orders", "work.shipped", False),
        ("shop.mail", "order.shipped", True),
        ("shop.mail", "order.shipped_twice", False),
        ("pricing.calculations", "order.confirmed", False),
    ],
)
def test_queues_want_what_they_are_bound_to(queue: str, type_: str, is_wanted: bool) -> None:
    assert SUBSCRIPTIONS[queue].wants(type_) is is_wanted
