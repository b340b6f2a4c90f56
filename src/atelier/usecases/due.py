"""Whether a step that somebody tells of is the next one of its order."""

from __future__ import annotations

from atelier.domain.lifecycle import TRANSITIONS, Owner, State, is_behind
from atelier.messaging.handler import NotYet, Refused


def is_due(current: State, to: State, owner: Owner) -> bool:
    """True when `owner`'s step to `to` is the next one; False when it has been passed already.

    Events come twice, late and in the wrong order; none of that may leave the legal graph. Raises
    NotYet when steps before it are missing, Refused when `to` cannot be reached any more.
    """
    if owner in TRANSITIONS.get((current, to), ()):
        return True
    if current is to or is_behind(to, current):
        return False
    if is_behind(current, to):
        raise NotYet(f"told of {to}, but the order is still {current}")
    raise Refused(f"told of {to}, which an order that is {current} cannot reach")
