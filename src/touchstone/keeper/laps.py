"""How long each part of making a sandbox takes."""

from __future__ import annotations

import time


class Laps:
    """`seconds` of each lap by name, and `total` since the first began."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """A part has ended, and the next one begins."""
        now = time.monotonic()
        self.seconds[name] = now - self._last
        self.seconds["total"] = now - self._began
        self._last = now
