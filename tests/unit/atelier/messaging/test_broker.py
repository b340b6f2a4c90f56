from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from atelier.messaging.broker import BrokerConnection


class Swallowing(BrokerConnection):
    """Connects when it is interrupted, and does not tell: as `asyncio.wait_for` of Python 3.11."""

    def __init__(self) -> None:
        super().__init__("amqp://broker.example", {})
        self.closed = False

    async def _connected(self) -> Any:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

        async def close() -> None:
            self.closed = True

        async def channel(**_: object) -> Any:
            return SimpleNamespace(is_closed=False, close=close)

        return SimpleNamespace(channel=channel)


def test_no_channel_is_given_to_a_task_whose_cancellation_was_swallowed() -> None:
    broker = Swallowing()

    async def work() -> None:
        async with broker.channel():
            await asyncio.Event().wait()

    async def cancelled_once() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(5):
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled_once())
    assert broker.closed
