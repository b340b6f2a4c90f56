"""What a task does that is asked to end, and how it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")


def heed_cancellation() -> None:
    """Raise CancelledError in a task that was asked to end.

    Loops that survive all else ask, since a library that was interrupted may have told it as an
    error of its own, or not at all: `asyncio.wait_for` of Python 3.11, by which aio-pika connects,
    returns what it waited for instead when both happen at once.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, and finish it even when this is cancelled."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def ended(tasks: Collection[asyncio.Task[None]], patience: float = 15.0) -> None:
    """Cancel tasks and wait for their end, whatever that is. What still goes on after `patience`
    seconds, which is longer than any may take to finish what it has in hand, is cancelled again.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=patience)
        if left:
            log.warning("tasks do not end", tasks=len(left))
    await asyncio.gather(*tasks, return_exceptions=True)
