"""An order's life as its customer reads it: what happened, when, by whom and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from atelier.data.shop import OrderHistory
from atelier.domain.lifecycle import SENT_BACK
from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _
from atelier.web import order_progress
from atelier.web.order_progress import Phase

_BY: Final[Mapping[str, LazyText]] = {
    "customer": _("you"),
    "seller": _("our seller"),
    "operator": _("the workshop"),
    "pricing": _("our price calculation"),
}
_BY_US: Final = _("us")


@dataclass(frozen=True)
class Line:
    """One step; `at` and `by` are None while it is still to come."""

    name: LazyText
    phase: Phase
    at: datetime | None = None
    by: LazyText | None = None
    reason: str | None = None


def lines(history: Sequence[OrderHistory]) -> list[Line]:
    """The time line of an order with this history, oldest first, and what is still to come."""
    steps = order_progress.steps([(entry.to_state, entry.occurred_at) for entry in history])
    told = [
        Line(
            _name(entry),
            step.phase,
            step.at,
            _BY.get(entry.actor.partition(":")[0], _BY_US),
            entry.reason,
        )
        for step, entry in zip(steps, history, strict=False)
    ]
    return told + [Line(step.state.label, step.phase) for step in steps[len(history) :]]


def _name(entry: OrderHistory) -> LazyText:
    sent_back = (entry.from_state, entry.to_state) == SENT_BACK
    return _("Sent back to you") if sent_back else entry.to_state.label
