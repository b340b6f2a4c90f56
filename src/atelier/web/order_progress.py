"""An order's life as a time line: what is done, current and to come, and when to look again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest

from atelier.domain.lifecycle import HAPPY_PATH, TRANSITIONS, State, is_sent_back


class Phase(StrEnum):
    """Where a step stands, seen from the order's present state."""

    DONE = "done"
    CURRENT = "current"
    TO_COME = "to come"


@dataclass(frozen=True)
class Step:
    """One step of the time line; `at` is None while it is still to come.

    `sent_back` is what the seller said who sent the order back, None in every other step.
    """

    state: State
    phase: Phase
    at: datetime | None
    sent_back: str | None = None


def steps(
    reached: Sequence[tuple[State, datetime]], reasons: Sequence[str | None] = ()
) -> list[Step]:
    """The time line of an order that went through the states `reached`, oldest first, for
    `reasons`, which may be left out.

    What has happened is told as it happened; what is to come is told only where the order can still
    get there: nothing follows a cancelled order or one that no price was possible for.
    """
    if not reached:
        return []
    states = [state for state, _ in reached]
    current = states[-1]
    told = [
        Step(
            state,
            Phase.DONE if place < len(reached) else Phase.CURRENT,
            at,
            (reason or "") if is_sent_back(states[:place]) else None,
        )
        for place, ((state, at), reason) in enumerate(
            zip_longest(reached, reasons[: len(reached)]), start=1
        )
    ]
    if current in HAPPY_PATH:
        ahead = HAPPY_PATH[HAPPY_PATH.index(current) + 1 :]
        told += [Step(state, Phase.TO_COME, None) for state in ahead]
    return told


def is_final(state: State) -> bool:
    """Whether nothing can follow `state`, so that nobody needs to look again."""
    return all(current is not state for current, _ in TRANSITIONS)


def poll_interval(state: State) -> str | None:
    """How often a page should look for news of an order in `state`, as htmx writes it."""
    if is_final(state):
        return None
    return "400ms" if state is State.SUBMITTED else "2s"
