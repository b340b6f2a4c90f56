"""The process's one connection to RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity

from atelier.cancellation import heed_cancellation
from atelier.messaging.topology import Subscription, declare

log = structlog.get_logger(__name__)

# What a lost broker looks like to whoever uses a channel at that moment. aiormq raises bare
# RuntimeErrors, too, for a connection that closes while a channel is being opened.
BROKER_GONE = (AMQPError, OSError, TimeoutError, RuntimeError)


class BrokerConnection:
    """Connects when a channel is first asked for, and again when the connection was lost.

    Relays and consumers share the connection and have channels of their own. Whoever loses a
    channel comes back for another one, at its own pace. This is not aio-pika's robust connection:
    that one restores channels and declarations by itself, in the background, and a publisher
    cannot tell which of its messages went down with the old channel.
    """

    def __init__(self, url: str, subscriptions: Mapping[str, Subscription]) -> None:
        """`subscriptions` are those of all services, by queue: what the connection declares."""
        self.subscriptions = subscriptions
        self._url = url
        self._connection: AbstractConnection | None = None
        self._connecting = asyncio.Lock()

    @asynccontextmanager
    async def channel(self, prefetch: int | None = None) -> AsyncIterator[AbstractChannel]:
        """A channel with publisher confirms, on which an unroutable message raises PublishError.

        Raises one of BROKER_GONE where the broker cannot be reached.
        """
        connection = await self._connected()
        channel = await connection.channel(on_return_raises=True)
        try:
            if prefetch:
                await channel.set_qos(prefetch_count=prefetch)
            heed_cancellation()
            yield channel
        except ChannelNotFoundEntity:
            # Something that was declared is gone. The next connection declares it again.
            await connection.close()
            raise
        finally:
            if not channel.is_closed:
                await channel.close()

    async def check(self) -> None:
        """Raises one of BROKER_GONE where the broker cannot be reached."""
        await self._connected()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> AbstractConnection:
        async with self._connecting:
            if self._connection is None or not self._connection.connected.is_set():
                await self.close()
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> AbstractConnection:
        # The heartbeat notices a broker that vanished without closing the connection.
        connection = await aio_pika.connect(self._url, heartbeat=10, timeout=10)
        try:
            # On every connection: a broker that came back empty gets its queues again.
            async with connection.channel(publisher_confirms=False) as channel:
                await declare(await channel.get_underlay_channel(), self.subscriptions.values())
        except BaseException:
            await connection.close()
            raise
        log.info("broker connected")
        return connection
