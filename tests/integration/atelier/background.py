"""Relays, consumers and the like, run in the background of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol


class Runs(Protocol):
    """A relay or a consumer."""

    def run(self) -> Coroutine[Any, Any, None]: ...


Start = Callable[[Runs], "asyncio.Task[None]"]
"""What the fixture `start` does: runs it until the test ends."""
