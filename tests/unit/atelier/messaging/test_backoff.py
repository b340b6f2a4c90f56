from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from atelier.messaging.backoff import Backoff


def test_a_loop_ends_though_what_it_waited_for_has_swallowed_the_cancellation() -> None:
    async def swallow() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def loop() -> None:
        backoff = Backoff()
        while True:
            await swallow()
            await backoff.pause()

    async def cancelled_once() -> None:
        task = asyncio.create_task(loop())
        await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(10):
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled_once())
