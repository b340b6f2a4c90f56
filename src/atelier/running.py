"""Services as they run in one process: what works for them, and whether they can work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from atelier.connections import Connections
from atelier.messaging import gauges
from atelier.messaging.consumer import Consumer
from atelier.messaging.relay import Relay
from atelier.service import Service
from atelier.services import SERVICES, SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.telemetry.readings import Readings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from atelier.service import Start

_PATIENCE: Final = 3.0  # seconds


class NotReady(Exception):
    """Says what does not work yet, or no more."""


class Running:
    """The named services, with what the settings name. Nothing connects before it is used.

    `parts` has those of each service, `consumers` are by queue, `relays` by database.
    """

    def __init__(
        self,
        settings: Settings,
        names: Iterable[str],
        forked: Mapping[str, Start] = MappingProxyType({}),
    ) -> None:
        """`forked` has what makes the parts of those services whose `fork` was called."""
        services = [SERVICES[name] for name in names]
        self.connections = connections = Connections(settings, SUBSCRIPTIONS)
        self.parts = {
            each.name: forked.get(each.name, each.parts())(connections) for each in services
        }
        self.databases = {
            name: database
            for name, database in connections.databases.items()
            if any(name in each.databases for each in services)
        }
        self.relays = {
            name: Relay(database, connections.broker) for name, database in self.databases.items()
        }
        self.consumers = {
            queue: consumer for each in services for queue, consumer in self._consumers(each)
        }
        queues = [each for service in services for each in service.subscriptions]
        self.readings = Readings(
            gauges.of_queues(connections.broker, queues),
            gauges.of_inboxes(connections.databases, queues),
            *(reading for parts in self.parts.values() for reading in parts.readings),
        )
        self._checking: asyncio.Task[None] | None = None

    def application(self, name: str) -> FastAPI:
        """A new application of a service, which can be asked how all of them are."""
        application = self.parts[name].application()
        application.state.running = self
        return application

    async def ready(self) -> None:
        """Return as soon as databases answer and consumers consume. Raises NotReady.

        All who ask at the same time get the answer to one look.
        """
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        await asyncio.shield(self._checking)

    def degraded(self) -> list[str]:
        """What does not work and is not needed: the services are slower without it."""
        return [
            f"replica of {name}" for name, database in self.databases.items() if database.degraded
        ]

    async def close(self) -> None:
        for parts in self.parts.values():
            if parts.close is not None:
                await parts.close()
        await self.connections.close()

    def _consumers(self, service: Service) -> Iterable[tuple[str, Consumer]]:
        for each in service.subscriptions:
            yield (
                each.queue,
                Consumer(
                    each.queue,
                    self.parts[service.name].handlers[each.queue],
                    self.connections.databases[each.database],
                    self.connections.broker,
                    retry_delays=self.connections.settings.retry_delays,
                    prefetch=each.prefetch,
                ),
            )

    async def _check(self) -> None:
        checks: dict[str, Awaitable[object]] = {
            **{f"database of {name}": each.check() for name, each in self.databases.items()},
            **{
                f"consumer of {queue}": consumer.consuming.wait()
                for queue, consumer in self.consumers.items()
            },
            **{name: wait() for parts in self.parts.values() for name, wait in parts.ready.items()},
            "broker": self.connections.broker.check(),
        }
        answers = await asyncio.gather(
            *(_in_time(check) for check in checks.values()), return_exceptions=True
        )
        faults = [
            f"{name}: {type(answer).__name__}: {answer}"
            for name, answer in zip(checks, answers, strict=True)
            if isinstance(answer, Exception)
        ]
        if faults:
            raise NotReady("; ".join(faults))


async def _in_time(check: Awaitable[object]) -> None:
    async with asyncio.timeout(_PATIENCE):
        await check
