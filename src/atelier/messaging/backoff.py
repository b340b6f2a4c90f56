"""How long to wait before trying again."""

from __future__ import annotations

import asyncio
import random

from atelier.cancellation import heed_cancellation


class Backoff:
    """Doubles from `first` to `most` seconds, with jitter so that processes do not come back in
    step. `reset()` after a success."""

    def __init__(self, first: float = 0.05, most: float = 2.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        self._next = self._first

    async def pause(self) -> None:
        heed_cancellation()
        delay = self._next * random.uniform(0.5, 1)
        self._next = min(self._next * 2, self._most)
        await asyncio.sleep(delay)
