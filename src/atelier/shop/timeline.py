"""An order's life as its customer reads it: what happened, when, by whom and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from atelier.data.shop import OrderHistory
from atelier.domain.lifecycle import SENT_BACK
from atelier.web import order_progress
from atelier.web.order_progress import Phase

_BY: Final = {
    "customer": "you",
    "seller": "our seller",
    "operator": "the workshop",
    "pricing": "our price calculation",
}


@dataclass(frozen=True)
class Line:
    """One step; `at` and `by` are None while it is still to come."""

    name: str
    phase: Phase
    at: datetime | None = None
    by: str | None = None
    reason: str | None = None


def lines(history: Sequence[OrderHistory]) -> list[Line]:
    """The time line of an order with this history, oldest first, and what is still to come."""
    steps = order_progress.steps([(entry.to_state, entry.occurred_at) for entry in history])
    told = [
        Line(
            _name(entry),
            step.phase,
            step.at,
            _BY.get(entry.actor.partition(":")[0], "us"),
            entry.reason,
        )
        for step, entry in zip(steps, history, strict=False)
    ]
    return told + [Line(step.state.label, step.phase) for step in steps[len(history) :]]


def _name(entry: OrderHistory) -> str:
    sent_back = (entry.from_state, entry.to_state) == SENT_BACK
    return "Sent back to you" if sent_back else entry.to_state.label
