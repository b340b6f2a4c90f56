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
from typing import Final

from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _


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
    def label(self) -> LazyText:
        """What customers, sellers and operators read."""
        return _LABELS[self]


_LABELS: Final = {
    State.INITIATED: _("Started"),
    State.FILE_UPLOADED: _("Model uploaded"),
    State.SUBMITTED: _("Price being calculated"),
    State.PRICE_CALCULATED: _("Price ready"),
    State.PRICING_FAILED: _("No price possible"),
    State.CONFIRMED: _("Confirmed"),
    State.MANUFACTURING_APPROVED: _("Approved for manufacturing"),
    State.MANUFACTURING_STARTED: _("In manufacturing"),
    State.MANUFACTURING_COMPLETED: _("Manufactured"),
    State.PACKAGING: _("Being packed"),
    State.SHIPPED: _("Shipped"),
    State.CLOSED: _("Closed"),
    State.CANCELLED: _("Cancelled"),
}


class Owner(StrEnum):
    """Who may make a transition happen."""

    CUSTOMER = "customer"
    PARTNER = "partner"
    SELLER = "seller"
    OPERATOR = "operator"
    PRICING = "pricing"


_OWNERS: Final = {
    Owner.CUSTOMER: _("customer"),
    Owner.PARTNER: _("partner"),
    Owner.SELLER: _("seller"),
    Owner.OPERATOR: _("operator"),
    Owner.PRICING: _("pricing"),
}

_ALL_GOING_WELL: Mapping[State, frozenset[Owner]] = {
    State.INITIATED: frozenset({Owner.CUSTOMER}),
    State.FILE_UPLOADED: frozenset({Owner.CUSTOMER}),
    State.SUBMITTED: frozenset({Owner.CUSTOMER}),
    State.PRICE_CALCULATED: frozenset({Owner.PRICING}),
    State.CONFIRMED: frozenset({Owner.CUSTOMER, Owner.PARTNER}),
    State.MANUFACTURING_APPROVED: frozenset({Owner.SELLER}),
    State.MANUFACTURING_STARTED: frozenset({Owner.OPERATOR}),
    State.MANUFACTURING_COMPLETED: frozenset({Owner.OPERATOR}),
    State.PACKAGING: frozenset({Owner.OPERATOR}),
    State.SHIPPED: frozenset({Owner.OPERATOR}),
    State.CLOSED: frozenset({Owner.SELLER}),
}

HAPPY_PATH: tuple[State, ...] = tuple(_ALL_GOING_WELL)
"""The states of a customer's order that nothing goes wrong with, in their order; a partner's order
begins as SUBMITTED."""

BEFORE_SUBMISSION: tuple[State, ...] = HAPPY_PATH[: HAPPY_PATH.index(State.SUBMITTED)]
"""The states of a first submission of which nobody but the customer and the shop knows."""

FACTORY_STEPS: tuple[State, ...] = tuple(
    state for state, owners in _ALL_GOING_WELL.items() if Owner.OPERATOR in owners
)
"""The states that the factory takes an order to, in their order."""


REPLACED = (
    (State.PRICE_CALCULATED, State.FILE_UPLOADED),
    (State.PRICING_FAILED, State.FILE_UPLOADED),
)
"""The steps by which whoever ordered gives another model, which begin another submission."""


def _transitions() -> dict[tuple[State | None, State], frozenset[Owner]]:
    table: dict[tuple[State | None, State], frozenset[Owner]] = {
        step: _ALL_GOING_WELL[step[1]]
        for step in zip([None, *HAPPY_PATH], HAPPY_PATH, strict=False)
    }
    table[None, State.SUBMITTED] = frozenset({Owner.PARTNER})
    table[State.SUBMITTED, State.PRICING_FAILED] = frozenset({Owner.PRICING})
    # Sent back, with a reason: whoever ordered confirms again, changes it, or cancels.
    table[State.CONFIRMED, State.PRICE_CALCULATED] = frozenset({Owner.SELLER})
    # Another model takes the place of the one that has a price, or that no price is possible for.
    # A partner submits it at once, as it places an order complete.
    orderers = frozenset({Owner.CUSTOMER, Owner.PARTNER})
    for step in (*REPLACED, (State.FILE_UPLOADED, State.SUBMITTED)):
        table[step] = orderers
    before_manufacturing = HAPPY_PATH[: HAPPY_PATH.index(State.MANUFACTURING_STARTED)]
    for state in (*before_manufacturing, State.PRICING_FAILED):
        table[state, State.CANCELLED] = frozenset({Owner.CUSTOMER, Owner.PARTNER, Owner.SELLER})
    return table


TRANSITIONS: Mapping[tuple[State | None, State], frozenset[Owner]] = MappingProxyType(
    _transitions()
)
"""Who may take an order from one state to the next; None is an order that is not yet there."""

SENT_BACK = (State.CONFIRMED, State.PRICE_CALCULATED)
"""The step by which a seller does not approve."""

STEPS_BACK = (SENT_BACK, *REPLACED)
"""After these, states may come a second time."""


def is_sent_back(history: Sequence[State]) -> bool:
    """Whether an order that went through these states, oldest first, stands where a seller has
    sent it back to.

    >>> is_sent_back([State.CONFIRMED, State.PRICE_CALCULATED])
    True
    """
    return tuple(history[-2:]) == SENT_BACK


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
        return str(self._told())

    def _told(self) -> LazyText:
        owners = TRANSITIONS.get((self.current, self.wanted))
        if owners is not None:
            return _(
                'The %(owner)s cannot make an order "%(state)s": only the %(owners)s can.',
                owner=_OWNERS[self.owner],
                state=self.wanted.label,
                owners=_either([_OWNERS[each] for each in sorted(owners)]),
            )
        possible = [
            _(
                '"%(state)s" (by the %(owners)s)',
                state=after.label,
                owners=_either([_OWNERS[each] for each in sorted(owners)]),
            )
            for (before, after), owners in TRANSITIONS.items()
            if before is self.current
        ]
        if self.current is None:
            return _(
                'An order cannot begin as "%(state)s": it begins as %(possible)s.',
                state=self.wanted.label,
                possible=_either(possible),
            )
        return self._refused(self.current, possible)

    def _refused(self, current: State, possible: Sequence[LazyText]) -> LazyText:
        """Of an order that is there, with what is possible instead."""
        if self.wanted is current:
            if not possible:
                return _(
                    'The order is already "%(state)s", and nothing can follow that.',
                    state=current.label,
                )
            return _(
                'The order is already "%(state)s". From there it can become %(possible)s.',
                state=current.label,
                possible=_either(possible),
            )
        if not possible:
            return _(
                'The order cannot become "%(wanted)s": it is "%(state)s", and nothing can follow '
                "that.",
                wanted=self.wanted.label,
                state=current.label,
            )
        return _(
            'The order cannot become "%(wanted)s": it is "%(state)s". From there it can become '
            "%(possible)s.",
            wanted=self.wanted.label,
            state=current.label,
            possible=_either(possible),
        )


def _either(names: Sequence[LazyText]) -> LazyText:
    if len(names) == 1:
        return names[0]
    several = names[0]
    for name in names[1:-1]:
        several = _("%(names)s, %(name)s", names=several, name=name)
    return _("%(names)s or %(last)s", names=several, last=names[-1])


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
        if before is state and (before, after) not in STEPS_BACK
    )


def is_legal(history: Sequence[State]) -> bool:
    """Whether the states, oldest first, are a way through the life cycle from its beginning.

    The way may end anywhere, but an empty one is not legal: an order that exists had a first state.
    """
    return bool(history) and all(
        step in TRANSITIONS for step in zip([None, *history], history, strict=False)
    )
