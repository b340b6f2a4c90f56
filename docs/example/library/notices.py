"""Notices: when a book comes back, whoever has waited longest for it is told."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator

import aio_pika
import psycopg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

QUEUE = "returned books"

# A message may come twice; its id is the notice's, so that only the first one counts.
TELL = """
WITH first AS (
    DELETE FROM wish
    WHERE id = (SELECT min(id) FROM wish WHERE title = %(title)s)
        AND NOT EXISTS (SELECT FROM notice WHERE return_id = %(return_id)s)
    RETURNING reader
)
INSERT INTO notice SELECT %(return_id)s, reader, %(title)s || ' is waiting for you' FROM first
"""


async def consume(queue: aio_pika.abc.AbstractQueue) -> None:
    async with queue.iterator() as messages:
        async for message in messages:
            async with message.process(requeue=True):
                address = os.environ["LIBRARY_DATABASE"]
                async with await psycopg.AsyncConnection.connect(address) as connection:
                    await connection.execute(TELL, json.loads(message.body))


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with await aio_pika.connect_robust(os.environ["LIBRARY_BROKER"]) as broker:
        channel = await broker.channel()
        consumer = asyncio.create_task(consume(await channel.declare_queue(QUEUE, durable=True)))
        yield
        consumer.cancel()
        await asyncio.wait([consumer])


async def health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ready")


app = Starlette(routes=[Route("/health", health)], lifespan=lifespan)
