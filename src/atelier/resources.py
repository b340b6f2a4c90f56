"""What a process opens once and all its services share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field
from functools import partial

from redis.asyncio import Redis

from atelier import calculations, estimates, orders, work
from atelier.data.database import Database
from atelier.files import ModelStore
from atelier.gauges import Gauges
from atelier.messaging.broker import Broker
from atelier.messaging.consumer import Consumer, Handler
from atelier.messaging.relay import Relay
from atelier.partner import webhooks
from atelier.partner.limits import RateLimiter
from atelier.partner.sender import WebhookSender
from atelier.settings import Settings

_PATIENCE = 3.0  # seconds
_CACHE_PATIENCE = 0.5  # seconds


class NotReady(Exception):
    """Says what does not work yet, or no more."""


@dataclass
class Resources:
    """Nothing connects before it is used, so this may be made before any server is up.

    `consumers`, `relays` and `senders` are those that belong to the services of this process:
    consumers by queue, the others by service.
    """

    settings: Settings
    services: Collection[str]
    shop: Database = field(init=False)
    mes: Database = field(init=False)
    files: ModelStore = field(init=False)
    broker: Broker = field(init=False)
    cache: Redis = field(init=False)
    gauges: Gauges = field(init=False)
    limiter: RateLimiter = field(init=False)
    consumers: dict[str, Consumer] = field(init=False)
    relays: dict[str, Relay] = field(init=False)
    senders: dict[str, WebhookSender] = field(init=False)
    _checking: asyncio.Task[None] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        settings = self.settings
        self.shop = Database(settings.shop_database, settings.shop_replica)
        self.mes = Database(settings.mes_database, settings.mes_replica)
        self.files = ModelStore(settings.files)
        self.broker = Broker(settings.broker, settings.retry_delays)
        self.cache = Redis.from_url(
            settings.cache, socket_timeout=_CACHE_PATIENCE, socket_connect_timeout=_CACHE_PATIENCE
        )
        self.limiter = RateLimiter(self.cache)
        databases = self._databases()
        self.gauges = Gauges(self.services, databases, self.broker)
        self.relays = {name: Relay(database, self.broker) for name, database in databases.items()}
        # A queue's name begins with its service's.
        offered: dict[str, tuple[Handler, Database, int]] = {
            "shop.orders": (orders.handle, self.shop, 20),
            "partner.events": (webhooks.handle, self.shop, 20),
            "mes.orders": (work.handle, self.mes, 20),
            # Few: a message may be a long calculation, and another process may be idle.
            "pricing.calculations": (
                partial(calculations.handle, models=self.files),
                self.mes,
                2,
            ),
            "pricing.estimates": (partial(estimates.calculate, models=self.files), self.mes, 1),
        }
        self.consumers = {
            queue: Consumer(
                queue,
                handler,
                database,
                self.broker,
                retry_delays=settings.retry_delays,
                prefetch=prefetch,
            )
            for queue, (handler, database, prefetch) in offered.items()
            if queue.partition(".")[0] in self.services
        }
        self.senders = {
            service: WebhookSender(self.shop, settings)
            for service in ("partner",)
            if service in self.services
        }

    async def ready(self) -> None:
        """Return as soon as databases answer and consumers consume. Raises NotReady.

        All who ask at the same time get the answer to one look.
        """
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        await asyncio.shield(self._checking)

    async def close(self) -> None:
        await self.broker.close()
        await asyncio.gather(self.shop.close(), self.mes.close(), self.cache.aclose())

    async def _check(self) -> None:
        checks: dict[str, Awaitable[object]] = {
            **{
                f"database of {name}": database.check()
                for name, database in self._databases().items()
            },
            **{
                f"consumer of {name}": consumer.consuming.wait()
                for name, consumer in self.consumers.items()
            },
            "broker": self.broker.check(),
        }
        answers = await asyncio.gather(
            *(asyncio.wait_for(check, _PATIENCE) for check in checks.values()),
            return_exceptions=True,
        )
        faults = [
            f"{name}: {type(answer).__name__}: {answer}"
            for name, answer in zip(checks, answers, strict=True)
            if isinstance(answer, Exception)
        ]
        if faults:
            raise NotReady("; ".join(faults))

    def _databases(self) -> dict[str, Database]:
        """Those that the services of this process use, by the service that owns them."""
        found = {}
        if {"shop", "partner", "crm"} & set(self.services):
            found["shop"] = self.shop
        if {"mes", "pricing"} & set(self.services):
            found["mes"] = self.mes
        return found
