"""What the services of a process share: connections to databases, broker, cache and files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from atelier.cache import cache_at
from atelier.data.database import Database
from atelier.data.routing import LagLimit
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.topology import DatabaseName, Subscription
from atelier.settings import Settings
from atelier.storage.blob_store import blob_store_at
from atelier.storage.model_store import ModelStore
from atelier.storage.picture_store import PictureStore


class Connections:
    """Nothing connects before it is used, so this may be made before any server is up."""

    def __init__(self, settings: Settings, subscriptions: Mapping[str, Subscription]) -> None:
        """`subscriptions` are those of all services, by queue."""
        lag = LagLimit(settings.replica_lag_bytes, settings.replica_lag_seconds)
        self.settings = settings
        self.shop = Database(settings.shop_database, settings.shop_replica, lag=lag)
        self.mes = Database(settings.mes_database, settings.mes_replica, lag=lag)
        self.databases: Mapping[DatabaseName, Database] = {"shop": self.shop, "mes": self.mes}
        self.broker = BrokerConnection(settings.broker, subscriptions)
        self.cache = cache_at(settings.cache)
        blobs = blob_store_at(settings.files)
        self.models = ModelStore(blobs)
        self.pictures = PictureStore(blobs)

    async def close(self) -> None:
        await self.broker.close()
        await asyncio.gather(self.shop.close(), self.mes.close(), self.cache.aclose())
