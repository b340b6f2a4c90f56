"""What a process opens once and all its services share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from redis.asyncio import Redis

from atelier.admin.reconciler import Reconciler
from atelier.admin.reconciliation import Systems
from atelier.cache import cache_at
from atelier.data.database import Database
from atelier.data.routing import LagLimit
from atelier.mail import due
from atelier.mail.composing import Letterhead
from atelier.mail.sender import Sender
from atelier.mail.transport import transport
from atelier.mes.listing.live import LiveList
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.handler import Handler
from atelier.messaging.relay import Relay
from atelier.partner.limits import RateLimiter
from atelier.partner.webhooks import endpoints
from atelier.partner.webhooks.sender import WebhookSender
from atelier.pricing.dispatcher import Dispatcher
from atelier.pricing.fork_server import ForkServer
from atelier.pricing.pool import Pool
from atelier.settings import Settings
from atelier.storage.blob_store import place_at
from atelier.storage.model_store import ModelStore
from atelier.telemetry.gauges import Gauges
from atelier.usecases import metal_prices, orders, price_requests, work_orders
from atelier.usecases.overdue import Watcher

_PATIENCE = 3.0  # seconds

UPLOADS_AT_ONCE = 2
"""Models that a process has in memory to check and keep them; the others wait on disk."""


class NotReady(Exception):
    """Says what does not work yet, or no more."""


class Worker(Protocol):
    """What a service does in the background, apart from its events."""

    def run(self) -> Coroutine[Any, Any, None]:
        """Until cancelled."""


@dataclass
class Resources:
    """Nothing connects before it is used, so this may be made before any server is up.

    `consumers`, by queue, `relays`, by service, and `workers` are those that belong to the services
    of this process; the name of a queue or worker begins with its service's. `fork_server` is where
    pricing's worker processes come from, if there is one already.
    """

    settings: Settings
    services: Collection[str]
    fork_server: ForkServer | None = None
    shop: Database = field(init=False)
    mes: Database = field(init=False)
    files: ModelStore = field(init=False)
    broker: BrokerConnection = field(init=False)
    cache: Redis = field(init=False)
    gauges: Gauges = field(init=False)
    uploads: asyncio.Semaphore = field(init=False)
    limiter: RateLimiter = field(init=False)
    work_list: LiveList = field(init=False)
    consumers: dict[str, Consumer] = field(init=False)
    relays: dict[str, Relay] = field(init=False)
    workers: dict[str, Worker] = field(init=False)
    pricing: Dispatcher = field(init=False)
    _pool: Pool = field(init=False)
    _checking: asyncio.Task[None] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        settings = self.settings
        lag = LagLimit(settings.replica_lag_bytes, settings.replica_lag_seconds)
        self.shop = Database(settings.shop_database, settings.shop_replica, lag=lag)
        self.mes = Database(settings.mes_database, settings.mes_replica, lag=lag)
        self.files = ModelStore(place_at(settings.files))
        self.broker = BrokerConnection(settings.broker)
        self.cache = cache_at(settings.cache)
        self.uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self.limiter = RateLimiter(self.cache)
        self.work_list = LiveList(self.mes, self.cache)
        databases = self._databases()
        self.gauges = Gauges(self.services, databases, self.broker)
        self.relays = {name: Relay(database, self.broker) for name, database in databases.items()}
        self._pool = Pool(settings.pricing_time_limit, settings.pricing_memory, self.fork_server)
        self.pricing = Dispatcher(
            self.mes,
            self.files,
            self._pool,
            workers=settings.pricing_workers,
            retry_delays=settings.retry_delays,
        )
        self.workers = {
            "pricing": self.pricing,
            "partner": WebhookSender(self.shop, settings),
            "crm": Watcher(self.shop, every=settings.watch_every),
        }
        wake: Callable[[], None] = _nobody
        if settings.mail is not None:
            head = Letterhead(settings.mail_from, settings.shop_address, settings.secret_key)
            self.workers["shop"] = sender = Sender(self.shop, transport(settings.mail), head)
            wake = sender.wake
        if settings.reconcile_every:
            systems = Systems(self.shop, self.mes, self.broker, whole=False)
            self.workers["crm.reconciliation"] = Reconciler(systems, settings.reconcile_every)
        self.workers = {
            name: worker
            for name, worker in self.workers.items()
            if name.partition(".")[0] in self.services
        }
        offered: dict[str, tuple[Handler, Database, int]] = {
            "shop.orders": (orders.handle, self.shop, 20),
            "shop.prices": (metal_prices.handle, self.shop, 20),
            "shop.mail": (partial(due.handle, written=wake), self.shop, 20),
            "partner.events": (endpoints.handle, self.shop, 20),
            "mes.orders": (work_orders.handle, self.mes, 20),
            "pricing.calculations": (price_requests.handle, self.mes, 20),
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
            f"replica of {name}"
            for name, database in self._databases().items()
            if database.degraded
        ]

    async def close(self) -> None:
        await self._pool.close()
        await self.broker.close()
        await asyncio.gather(self.shop.close(), self.mes.close(), self.cache.aclose())

    async def _check(self) -> None:
        checks: dict[str, Awaitable[object]] = {
            **{
                f"database of {name}": database.check()
                for name, database in self._databases().items()
            },
            **{
                f"consumer of {queue}": consumer.consuming.wait()
                for queue, consumer in self.consumers.items()
            },
            **({"pricing": self.pricing.working.wait()} if "pricing" in self.services else {}),
            "broker": self.broker.check(),
        }
        answers = await asyncio.gather(
            *(_in_time(check) for check in checks.values()),
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


def _nobody() -> None:
    """Is told where nobody waits for news."""


async def _in_time(check: Awaitable[object]) -> None:
    async with asyncio.timeout(_PATIENCE):
        await check
