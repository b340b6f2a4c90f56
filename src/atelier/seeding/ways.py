"""The lives that seeded orders have had, and how often each occurs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from atelier.domain.lifecycle import HAPPY_PATH, State

_WHEN_ALL_GOES_WELL: Final = {
    "shop": HAPPY_PATH,
    "partner": HAPPY_PATH[HAPPY_PATH.index(State.SUBMITTED) :],
}

# Hours that usually lie between a step and the one before it.
_HOURS: Final = {
    State.INITIATED: 0.0,
    State.FILE_UPLOADED: 0.1,
    State.SUBMITTED: 0.05,
    State.PRICE_CALCULATED: 0.02,
    State.PRICING_FAILED: 0.02,
    State.CONFIRMED: 20.0,
    State.MANUFACTURING_APPROVED: 9.0,
    State.MANUFACTURING_STARTED: 30.0,
    State.MANUFACTURING_COMPLETED: 80.0,
    State.PACKAGING: 12.0,
    State.SHIPPED: 8.0,
    State.CLOSED: 240.0,
    State.CANCELLED: 30.0,
}

# How the active work is spread over its states, from the newest to the oldest.
ACTIVE: Final = (
    (State.SUBMITTED, 0.02),
    (State.PRICE_CALCULATED, 0.14),
    (State.CONFIRMED, 0.08),
    (State.MANUFACTURING_APPROVED, 0.22),
    (State.MANUFACTURING_STARTED, 0.24),
    (State.MANUFACTURING_COMPLETED, 0.10),
    (State.PACKAGING, 0.06),
    (State.SHIPPED, 0.14),
)


@dataclass(frozen=True)
class Way:
    """A legal history, oldest first; how often it occurs among those that are not active work."""

    source: str
    states: tuple[State, ...]
    share: float

    @property
    def hours(self) -> tuple[float, ...]:
        """When each step was, counted from the first."""
        total = 0.0
        found = []
        for state in self.states:
            total += _HOURS[state]
            found.append(total)
        return tuple(found)


def ways() -> list[Way]:
    """The active ones have a share of 0: how many they are is said by `ACTIVE`."""
    found = []
    for source, lucky in _WHEN_ALL_GOES_WELL.items():
        found += [Way(source, lucky[: lucky.index(state) + 1], 0.0) for state, _ in ACTIVE]
        found.append(Way(source, lucky, 0.80))
        confirmed = lucky.index(State.CONFIRMED) + 1
        sent_back = lucky[:confirmed] + lucky[confirmed - 2 :]
        found.append(Way(source, sent_back, 0.03))
        failed = (*lucky[: lucky.index(State.SUBMITTED) + 1], State.PRICING_FAILED)
        found += [Way(source, failed, 0.02), Way(source, (*failed, State.CANCELLED), 0.01)]
        given_up = ((State.PRICE_CALCULATED, 0.06), (State.CONFIRMED, 0.02))
        for last, share in (*given_up, (State.MANUFACTURING_APPROVED, 0.01)):
            found.append(Way(source, (*lucky[: lucky.index(last) + 1], State.CANCELLED), share))
    # Customers who looked around, and left.
    found.append(Way("shop", (State.INITIATED, State.FILE_UPLOADED), 0.05))
    return found
