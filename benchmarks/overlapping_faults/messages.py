"""What a broker may do with messages, and does: bring them twice, and in another order."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aio_pika
import psycopg

from atelier.messaging import topology
from atelier.services import SUBSCRIPTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aio_pika.abc import AbstractIncomingMessage

_TWICE = 20  # messages that are published again at once
_SHUFFLED = 60  # messages of one queue that change places
_LATELY = "SELECT type, body FROM outbox WHERE published_at IS NOT NULL ORDER BY id DESC LIMIT 200"


async def publish_again(broker: str, databases: Iterable[str], chance: random.Random) -> None:
    """Events that were published lately, as a relay does that died before its own mark.

    `broker` and `databases` are addresses. Raises one of BROKER_GONE, or psycopg.Error.
    """
    rows = []
    for address in databases:
        async with await psycopg.AsyncConnection.connect(address, connect_timeout=2) as database:
            rows += await (await database.execute(_LATELY)).fetchall()
    if not rows:
        raise OSError("there is nothing yet that could be published again")
    async with _channel(broker) as channel:
        exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
        for type_, body in chance.sample(rows, min(_TWICE, len(rows))):
            message = aio_pika.Message(json.dumps(body).encode(), message_id=body["id"], type=type_)
            await exchange.publish(message, routing_key=type_)


async def shuffle(broker: str, service: str, chance: random.Random) -> int:
    """Bring what waits for a service in another order, as redelivery may; returns how many.

    Each is published again before it is acknowledged, so that none can be lost here. Raises
    one of BROKER_GONE.
    """
    moved = 0
    async with _channel(broker) as channel:
        for name in (queue for queue in SUBSCRIPTIONS if queue.startswith(f"{service}.")):
            queue = await channel.get_queue(name, ensure=False)
            waiting: list[AbstractIncomingMessage] = []
            while len(waiting) < _SHUFFLED and (message := await queue.get(fail=False)):
                waiting.append(message)
            chance.shuffle(waiting)
            for message in waiting:
                await channel.default_exchange.publish(_copy(message), routing_key=name)
            for message in waiting:
                await message.ack()
            moved += len(waiting)
    return moved


def _copy(message: aio_pika.abc.AbstractIncomingMessage) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        headers=message.headers,
        message_id=message.message_id,
        type=message.type,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


@asynccontextmanager
async def _channel(broker: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    # Where nobody listens, aio-pika would leave a coroutine behind that complains.
    address = urlsplit(broker)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.close()
    async with await aio_pika.connect(broker, timeout=5) as connection:
        yield await connection.channel()
