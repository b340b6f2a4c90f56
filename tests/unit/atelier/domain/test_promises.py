from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from atelier.domain.lifecycle import State
from atelier.domain.promises import LIMITS, is_overdue, is_stalled, limit, promised

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


def test_a_promise_is_kept_on_its_day_and_broken_after_it() -> None:
    by = promised(NOON)
    assert by == NOON + timedelta(days=14)
    assert not is_overdue(State.PACKAGING, by, by)
    assert is_overdue(State.PACKAGING, by, by + A_SECOND)


@pytest.mark.parametrize("state", [State.SHIPPED, State.CLOSED, State.CANCELLED])
def test_what_has_left_or_was_cancelled_is_never_overdue(state: State) -> None:
    assert not is_overdue(state, NOON, NOON + timedelta(days=100))


def test_without_a_promise_nothing_is_overdue() -> None:
    assert not is_overdue(State.PRICE_CALCULATED, None, NOON)


@pytest.mark.parametrize("state", LIMITS)
def test_an_order_stands_still_after_its_state_s_limit(state: State) -> None:
    allowed = LIMITS[state]
    assert not is_stalled(state, NOON, NOON + allowed)
    assert is_stalled(state, NOON, NOON + allowed + A_SECOND)


@pytest.mark.parametrize("state", [State.INITIATED, State.PRICE_CALCULATED, State.CLOSED])
def test_an_order_that_waits_for_its_customer_may_stand(state: State) -> None:
    assert limit(state) is None
    assert not is_stalled(state, NOON, NOON + timedelta(days=1000))
