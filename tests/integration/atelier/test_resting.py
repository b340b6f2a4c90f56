"""Whoever has nothing to do rests: a loop that looks again and again takes the processor from
everybody else, and no other test would notice.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest

from atelier.cancellation import ended
from atelier.data.patience import connect
from atelier.parts import Worker
from atelier.running import NotReady, Running
from atelier.services import SERVICES
from atelier.settings import Settings
from touchstone.waiting import eventually_async


class _Counting(selectors.DefaultSelector):
    """Counts how often an event loop looks whether there is something to do."""

    looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.looks += 1
        return super().select(timeout)


class Loop:
    def __init__(self) -> None:
        self._selector = _Counting()
        self._runner = asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(self._selector)
        )

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        with self._runner as runner:
            runner.run(work)

    @property
    def looks(self) -> int:
        return self._selector.looks


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.mark.parametrize("for_what", ["a notification", "an answer"])
def test_who_waits_for_postgresql_rests(settings: Settings, loop: Loop, for_what: str) -> None:
    async def wait() -> None:
        async with await connect(settings.mes_database) as connection:
            if for_what == "an answer":
                await connection.execute("SELECT pg_sleep(1)")
            else:
                await connection.execute("LISTEN nothing")
                assert [each async for each in connection.notifies(timeout=1)] == []

    loop.run(wait())

    assert loop.looks < 200  # seen red with 100,000


def test_a_company_without_orders_rests(settings: Settings, loop: Loop) -> None:
    looks = 0

    async def rest() -> None:
        nonlocal looks
        running = Running(settings, SERVICES)
        working: list[Worker] = [*running.consumers.values(), *running.relays.values()]
        for each in running.parts.values():
            working += [*each.workers, *each.streams]
        parts = [asyncio.create_task(part.run()) for part in working]
        await eventually_async(lambda: ready(running), until=bool, timeout=30)
        before = loop.looks
        await asyncio.sleep(2)
        looks = loop.looks - before
        await ended(parts)
        await running.close()

    loop.run(rest())

    assert 10 < looks < 1000  # 325; seen red with 5,373 on a machine that was busy


async def ready(running: Running) -> bool:
    with suppress(NotReady):
        await running.ready()
        return True
    return False
