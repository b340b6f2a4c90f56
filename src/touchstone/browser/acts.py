"""What a person does, and what it led to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Act = Callable[[], Any]
Outcome = tuple[Any, Exception | None]


def outcome(act: Act) -> Outcome:
    """What it led to, or how it failed."""
    try:
        return act(), None
    except Exception as error:
        return None, error
