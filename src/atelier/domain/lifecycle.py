"""The life of an order: its states, who may move it between them, and what is legal.

>>> check(State.CONFIRMED, State.MANUFACTURING_APPROVED, Owner.SELLER)
>>> check(State.CLOSED, State.CANCELLED, Owner.SELLER)
Traceback (most recent call last):
IllegalTransition: The order cannot become "Cancelled": it is "Closed", and nothing can follow that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """A state of an order, in the order in which a lucky order goes through them."""

    INITIATED = "INITIATED"
    FILE_UPLOADED = "FILE_UPLOADED"
    SUBMITTED = "SUBMITTED"
    PRICE_CALCULATED = "PRICE_CALCULATED"
    PRICING_FAILED = "PRICING_FAILED"
    CONFIRMED = "CONFIRMED"
    MANUFACTURING_APPROVED = "MANUFACTURING_APPROVED"
    MANUFACTURING_STARTED = "MANUFACTURING_STARTED"
    MANUFACTURING_COMPLETED = "MANUFACTURING_COMPLETED"
    PACKAGING = "PACKAGING"
    SHIPPED = "SHIPPED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"

    @property
    def label(self) -> str:
        """What customers, sellers and operators read."""
        return _LABELS[self]


_LABELS = {
    State.INITIATED: "Started",
    State.FILE_UPLOADED: "Model uploaded",
    State.SUBMITTED: "Price being calculated",
    State.PRICE_CALCULATED: "Price ready",
    State.PRICING_FAILED: "No price possible",
    State.CONFIRMED: "Confirmed",
    State.MANUFACTURING_APPROVED: "Approved for manufacturing",
    State.MANUFACTURING_STARTED: "In manufacturing",
    State.MANUFACTURING_COMPLETED: "Manufactured",
    State.PACKAGING: "Being packed",
    State.SHIPPED: "Shipped",
    State.CLOSED: "Closed",
    State.CANCELLED: "Cancelled",
}


class Owner(StrEnum):
    """Who may make a transition happen."""

    CUSTOMER = "customer"
    PARTNER = "partner"
    SELLER = "seller"
    OPERATOR = "operator"
    PRICING = "pricing"


def _transitions() -> dict[tuple[State | None, State], frozenset[Owner]]:
    table: dict[tuple[State | None, State], frozenset[Owner]] = {
        (None, State.INITIATED): frozenset({Owner.CUSTOMER}),
        (State.INITIATED, State.FILE_UPLOADED): frozenset({Owner.CUSTOMER}),
        (State.FILE_UPLOADED, State.SUBMITTED): frozenset({Owner.CUSTOMER}),
        (None, State.SUBMITTED): frozenset({Owner.PARTNER}),
        (State.SUBMITTED, State.PRICE_CALCULATED): frozenset({Owner.PRICING}),
        (State.SUBMITTED, State.PRICING_FAILED): frozenset({Owner.PRICING}),
        (State.PRICE_CALCULATED, State.CONFIRMED): frozenset({Owner.CUSTOMER, Owner.PARTNER}),
        (State.CONFIRMED, State.MANUFACTURING_APPROVED): frozenset({Owner.SELLER}),
        (State.MANUFACTURING_APPROVED, State.MANUFACTURING_STARTED): frozenset({Owner.OPERATOR}),
        (State.MANUFACTURING_STARTED, State.MANUFACTURING_COMPLETED): frozenset({Owner.OPERATOR}),
        (State.MANUFACTURING_COMPLETED, State.PACKAGING): frozenset({Owner.OPERATOR}),
        (State.PACKAGING, State.SHIPPED): frozenset({Owner.OPERATOR}),
        (State.SHIPPED, State.CLOSED): frozenset({Owner.SELLER}),
        # Sent back, with a reason: whoever ordered confirms again, or cancels.
        (State.CONFIRMED, State.PRICE_CALCULATED): frozenset({Owner.SELLER}),
    }
    before_manufacturing = (
        State.INITIATED,
        State.FILE_UPLOADED,
        State.SUBMITTED,
        State.PRICE_CALCULATED,
        State.PRICING_FAILED,
        State.CONFIRMED,
        State.MANUFACTURING_APPROVED,
    )
    for state in before_manufacturing:
        table[state, State.CANCELLED] = frozenset({Owner.CUSTOMER, Owner.PARTNER, Owner.SELLER})
    return table


TRANSITIONS: Mapping[tuple[State | None, State], frozenset[Owner]] = MappingProxyType(
    _transitions()
)
"""Who may take an order from one state to the next; None is an order that is not yet there."""

SENT_BACK = (State.CONFIRMED, State.PRICE_CALCULATED)
"""The only step back."""


class IllegalTransition(Exception):
    """Somebody asked for a transition that does not exist or that is not theirs.

    ``current`` is None for an order that is not yet there. The text says what was asked for, in
    which state the order is and what is possible from there.
    """

    def __init__(self, current: State | None, wanted: State, owner: Owner) -> None:
        super().__init__(current, wanted, owner)
        self.current = current
        self.wanted = wanted
        self.owner = owner

    def __str__(self) -> str:
        owners = TRANSITIONS.get((self.current, self.wanted))
        if owners is not None:
            return (
                f'The {self.owner} cannot make an order "{self.wanted.label}": '
                f"only the {_either(sorted(owners))} can."
            )
        possible = [
            f'"{after.label}" (by the {_either(sorted(owners))})'
            for (before, after), owners in TRANSITIONS.items()
            if before is self.current
        ]
        if self.current is None:
            return (
                f'An order cannot begin as "{self.wanted.label}": it begins as {_either(possible)}.'
            )
        refusal = (
            f'The order cannot become "{self.wanted.label}": it is "{self.current.label}"'
            if self.wanted is not self.current
            else f'The order is already "{self.current.label}"'
        )
        if not possible:
            return f"{refusal}, and nothing can follow that."
        return f"{refusal}. From there it can become {_either(possible)}."


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def check(current: State | None, wanted: State, owner: Owner) -> None:
    """Raise IllegalTransition unless `owner` may take an order from `current` to `wanted`."""
    if owner not in TRANSITIONS.get((current, wanted), frozenset()):
        raise IllegalTransition(current, wanted, owner)


def is_behind(state: State, other: State) -> bool:
    """Whether an order in `state` can come to `other` by going forward only.

    No state is behind itself.
    """
    return any(
        after is other or is_behind(after, other)
        for before, after in TRANSITIONS
        if before is state and (before, after) != SENT_BACK
    )


def is_legal(history: Sequence[State]) -> bool:
    """Whether the states, oldest first, are a way through the life cycle from its beginning.

    The way may end anywhere, but an empty one is not legal: an order that exists had a first state.
    """
    return bool(history) and all(
        step in TRANSITIONS for step in zip([None, *history], history, strict=False)
    )
