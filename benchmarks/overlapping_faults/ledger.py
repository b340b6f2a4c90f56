"""What was asked of the platform and what it acknowledged, as its clients know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from atelier.domain.lifecycle import State, is_behind


@dataclass
class Entry:
    """One order that somebody asked for.

    `key` is the client's own name for it, which the order carries through all systems: a partner's
    reference, a customer's file name. `numbers` are all that the platform ever answered for it.
    `acknowledged` are the states that an act was acknowledged with, or that a look showed.
    """

    key: str
    owner: str
    checksum: str
    metal: str
    numbers: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    acknowledged: set[State] = field(default_factory=set)
    prices: set[Decimal] = field(default_factory=set)
    order_id: str | None = None
    refused: str | None = None
    done: bool = False

    @property
    def number(self) -> str:
        return next(iter(self.numbers))

    @property
    def furthest(self) -> State | None:
        """The state that no other acknowledged one comes after."""
        return next(
            (
                state
                for state in self.acknowledged
                if not any(is_behind(state, other) for other in self.acknowledged)
            ),
            None,
        )

    def saw(self, state: State, price: Decimal | str | None = None) -> None:
        self.acknowledged.add(state)
        if price is not None:
            self.prices.add(Decimal(price))


class Ledger:
    """All entries, by key; and how often customers asked for a new order without an answer: such an
    order is there or not, and nobody goes on with it."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.unanswered_starts = 0

    def asks(self, entry: Entry) -> Entry:
        self.entries[entry.key] = entry
        return entry

    def accepted(self) -> Iterator[Entry]:
        """The orders that the platform has acknowledged."""
        return (entry for entry in self.entries.values() if entry.numbers)
