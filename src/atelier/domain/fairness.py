"""Whose model is measured next: fair between the shop and each partner.

Every source of orders has a lane of its own, and a free worker takes the first model of the lane
that has the fewest models in work; among those, of the lane that was served longest ago. So a lane
that has nothing in work is overtaken by each other lane once at most, however many models wait
there. Whoever floods us waits behind themselves only.

A process measures one model more than it has workers, if that is of a lane that has none in work:
when a partner's models keep all workers busy, a customer's first one need not wait until one of
them is finished.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Head:
    """The first model that waits in a lane, and how the lane fares.

    `in_work` is how many of its models are being measured, in all processes; `alone` whether there
    is no other model of this lane, waiting or in work; `served_at` when one was last taken (None:
    never).
    """

    lane: str
    request_id: int
    in_work: int
    alone: bool
    served_at: datetime | None


def lane_of(actor: str) -> str:
    """The lane of whoever asks: "shop", or "partner:<id>" for each partner's own."""
    return actor if actor.startswith("partner:") else "shop"


def choose(heads: Iterable[Head], *, spare_only: bool) -> Head | None:
    """The head whose turn it is; with `spare_only` all workers are busy but for the spare one.

    None when nobody's turn it is.
    """
    eligible = [head for head in heads if not (spare_only and head.in_work)]
    return min(
        eligible,
        key=lambda head: (head.in_work, head.served_at or _NEVER, head.lane),
        default=None,
    )
