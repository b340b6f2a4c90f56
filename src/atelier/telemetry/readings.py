"""What is read when Prometheus asks: how much there is, and how old.

Asked at most every few seconds, however many scrapers there are, and with a time limit. What could
not be read is left out, so that a chart shows a gap and not an old truth.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import Gauge

_log = structlog.get_logger(__name__)

_PATIENCE: Final = 3.0  # seconds


@dataclass(frozen=True)
class Reading:
    """`look` sets `gauges` to what is so now; `every` so many seconds at most.

    Where a reading tells only of some `labels` of its gauges, it leaves out only those.
    """

    what: str
    look: Callable[[], Awaitable[None]]
    gauges: tuple[Gauge, ...]
    labels: tuple[str, ...] = ()
    every: float = 5.0

    def leave_out(self) -> None:
        """The gauges tell nothing."""
        for gauge in self.gauges:
            if self.labels:
                with suppress(KeyError):  # it has never told anything
                    gauge.remove(*self.labels)
            else:
                gauge.clear()


class Readings:
    """All of one process."""

    def __init__(self, *readings: Reading) -> None:
        self._due_at = dict.fromkeys(readings, -math.inf)
        self._turn = asyncio.Lock()

    async def refresh(self) -> None:
        """Read anew what is too old. Raises nothing."""
        async with self._turn:
            began = time.monotonic()
            due = [reading for reading, at in self._due_at.items() if began >= at]
            await asyncio.gather(*map(_read, due))
            for reading in due:
                self._due_at[reading] = time.monotonic() + reading.every


async def _read(reading: Reading) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await reading.look()
    except Exception as error:
        reading.leave_out()
        _log.warning("not measured", what=reading.what, reason=type(error).__name__)
