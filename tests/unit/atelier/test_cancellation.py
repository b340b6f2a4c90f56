from __future__ import annotations

import asyncio

from atelier.cancellation import ended


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
