"""What runs of a service in one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from atelier.messaging.handler import Handler
from atelier.telemetry.readings import Reading

if TYPE_CHECKING:
    from fastapi import FastAPI


class Worker(Protocol):
    """What goes on in the background."""

    def run(self) -> Coroutine[Any, Any, None]:
        """Until cancelled; then it finishes what it has in hand. Survives all else."""


@dataclass(frozen=True)
class Parts:
    """Made before any server is up; nothing of it is connected yet.

    `application` makes it, with all its pages and routes. `handlers` has one for the queue of each
    subscription of the service. `workers` do what neither a request nor an event asks for.
    `streams` are what open pages listen to: they end first, since a server waits for them.
    `readings` are told at /metrics. `ready` has, by name, what has to return before the service
    can work. `close` is called when all has ended.
    """

    application: Callable[[], FastAPI]
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    workers: Sequence[Worker] = ()
    streams: Sequence[Worker] = ()
    readings: Sequence[Reading] = ()
    ready: Mapping[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] | None = None
