from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from atelier.messaging.backoff import Backoff


def test_a_pause_ends_the_task_whose_cancellation_was_swallowed() -> None:
    async def swallow_and_go_on() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await Backoff(first=0).pause()

    async def cancelled_once() -> None:
        task = asyncio.create_task(swallow_and_go_on())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled_once())
