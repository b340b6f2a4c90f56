from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from atelier.messaging.backoff import Backoff, ended


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


def test_what_swallows_its_cancellation_is_cancelled_again() -> None:
    cancelled = 0

    async def goes_on_once() -> None:
        nonlocal cancelled
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled += 1

    async def end() -> None:
        task = asyncio.create_task(goes_on_once())
        await asyncio.sleep(0)
        await ended([task], patience=0.01)
        assert task.done()

    asyncio.run(end())
    assert cancelled == 2


def test_what_failed_has_ended() -> None:
    async def fails() -> None:
        raise LookupError("the vault is locked")

    async def end() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        await ended([task])
        assert isinstance(task.exception(), LookupError)

    asyncio.run(end())
