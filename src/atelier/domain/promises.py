"""What customers are promised, and how long an order may stand in a state before somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from atelier.domain.lifecycle import State

MAKING_TIME: Final = timedelta(days=14)
"""From the confirmation to the day by which a piece is shipped."""

# States without a limit wait for the customer, or are final.
LIMITS: Final[Mapping[State, timedelta]] = MappingProxyType(
    {
        State.SUBMITTED: timedelta(minutes=15),
        State.CONFIRMED: timedelta(days=1),
        State.MANUFACTURING_APPROVED: timedelta(days=2),
        State.MANUFACTURING_STARTED: timedelta(days=5),
        State.MANUFACTURING_COMPLETED: timedelta(days=1),
        State.PACKAGING: timedelta(days=1),
        State.SHIPPED: timedelta(days=21),
    }
)
"""How long an order may stand in a state that waits for us."""

KEPT: Final = (State.SHIPPED, State.CLOSED, State.CANCELLED)
"""States in which no promise can be broken any more."""

NOTICES: Final = frozenset({"order.overdue", "order.stalled"})
"""Types of events that tell of an order that nobody has moved; who follows steps ignores them."""


def promised(confirmed_at: datetime) -> datetime:
    """When a piece that was confirmed at this time is shipped at the latest."""
    return confirmed_at + MAKING_TIME


def limit(state: State) -> timedelta | None:
    """How long an order may stand in `state`; None where it waits for the customer or for nothing.

    >>> limit(State.PACKAGING)
    datetime.timedelta(days=1)
    """
    return LIMITS.get(state)


def is_overdue(state: State, promised_at: datetime | None, at: datetime) -> bool:
    """Whether the promise is broken at the time `at`: past its date and not shipped."""
    return promised_at is not None and state not in KEPT and at > promised_at


def is_stalled(state: State, since: datetime, at: datetime) -> bool:
    """Whether an order that came to `state` at the time `since` has stood there for too long."""
    allowed = limit(state)
    return allowed is not None and at - since > allowed
