"""The platform in a test's own hands: its parts run only while the test lets them, and its messages
can be held back, mixed up and repeated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
import uvloop
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage

from atelier.data import outbox_tables
from atelier.data.mes import CalculationRequest, Operator
from atelier.data.shop import Customer, Partner
from atelier.domain.lifecycle import Owner
from atelier.messaging import inbox, topology
from atelier.running import Running
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.storage.model_store import StoredModel
from fixtures import models
from tests.integration.atelier.background import Runs
from tests.integration.atelier.wire import waiting
from touchstone.waiting import eventually_async

T = TypeVar("T")

SERVICES = ("shop", "partner", "mes", "pricing")
PRICING = "workers of pricing"
PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Placed:
    """An order that somebody was told of."""

    id: UUID
    number: str
    owner: Owner

    @property
    def actor(self) -> str:
        return f"{self.owner}:{self.id}"


@dataclass
class Upload:
    """What is needed of a request's file."""

    data: bytes
    filename: str | None = "ring.stl"

    async def read(self, size: int = -1) -> bytes:
        data, self.data = self.data, b""
        return data


class Platform:
    """The shop, the factory and pricing in this process; they run only while a test waits."""

    def __init__(self, settings: Settings) -> None:
        self.running = Running(settings, SERVICES)
        self.models = self.running.connections.models
        self.shop, self.mes, self.broker = (
            self.running.connections.shop,
            self.running.connections.mes,
            self.running.connections.broker,
        )
        self.parts: dict[str, Runs] = {
            **{f"relay of {name}": relay for name, relay in self.running.relays.items()},
            **self.running.consumers,
            PRICING: self.running.parts["pricing"].workers[0],
        }
        self._loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(act)

    def close(self) -> None:
        self.run(self.running.close())
        self._loop.close()

    async def hire(self) -> tuple[Customer, Partner, list[Operator], dict[str, StoredModel]]:
        customer = Customer(email="anna@example.org", name="Anna", password_hash="-")
        partner = Partner(name="Meridian")
        operators = [
            Operator(email=f"{name}@example.org".lower(), name=name, password_hash="-")
            for name in ("Vera", "Oleg")
        ]
        async with self.shop.session() as session:
            session.add_all([customer, partner])
        async with self.mes.session() as session:
            session.add_all(operators)
        files = {
            "ring": models.as_binary_stl(models.ring(prongs=0, segments=12)),
            "ring with a hole": models.open_surface(),
        }
        kept = {name: await self.models.save(Upload(data), 1 << 20) for name, data in files.items()}
        return customer, partner, operators, kept

    async def forget_all(self) -> None:
        """What an example has left behind that failed must not fail the next one."""
        async with self.broker.channel() as channel:
            for queue in SUBSCRIPTIONS:
                await (await channel.get_queue(queue, ensure=False)).purge()
        for database in (self.shop, self.mes):
            async with database.session() as session:
                await session.execute(
                    sa.update(outbox_tables.outbox).values(published_at=sa.func.now())
                )
                await session.execute(sa.delete(outbox_tables.inbox))
        async with self.mes.session() as session:
            await session.execute(sa.delete(CalculationRequest))

    async def let_through(self, parts: Collection[str], *, lose_the_connection: bool) -> None:
        """Run these parts until each has nothing left to do that it could do now."""
        to_be_lost = lose_the_connection

        async def busy() -> list[str]:
            nonlocal to_be_lost
            if to_be_lost:
                to_be_lost = False
                await self.broker.close()
            return [name for name in parts if await self._has_work(name)]

        await self._while_running(parts, busy)

    async def let_all_through(self, placed: Collection[Placed]) -> None:
        """Until everything that was told about these orders has arrived, in effect."""

        quiet = 0

        async def on_its_way() -> list[str]:
            nonlocal quiet
            dead = await self.dead_letters()
            assert not dead, f"dead-lettered: {dead}"
            found = await self._not_arrived({order.id for order in placed})
            # One empty look may fall between two databases.
            quiet = 0 if found else quiet + 1
            return found if found or quiet > 1 else ["looked once"]

        await self._while_running(self.parts, on_its_way)

    async def take_out(self, queue: str) -> list[AbstractIncomingMessage]:
        """All messages that wait in a queue now."""
        return await waiting(self.broker, queue)

    async def put_back(self, queue: str, messages: Sequence[AbstractIncomingMessage]) -> None:
        async with self.broker.channel() as channel:
            for message in messages:
                copy = Message(
                    message.body,
                    headers=message.headers,
                    message_id=message.message_id,
                    type=message.type,
                )
                await channel.default_exchange.publish(copy, routing_key=queue)

    async def publish_again(self, which: int) -> None:
        """One of the events that have been published before, as a relay does that has died
        between the broker's confirmation and its own mark."""
        published: list[Any] = []
        for database in (self.shop, self.mes):
            query = sa.select(outbox_tables.outbox.c.type, outbox_tables.outbox.c.body)
            async with database.session() as session:
                published += await session.execute(
                    query.where(outbox_tables.outbox.c.published_at.is_not(None)).order_by("id")
                )
        if published:
            # From the newest back: those of this example are among them.
            type_, body = published[-1 - which % len(published)]
            async with self.broker.channel() as channel:
                exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
                message = Message(json.dumps(body).encode(), message_id=body["id"], type=type_)
                await exchange.publish(message, routing_key=type_)

    async def dead_letters(self) -> list[str]:
        found: list[Any] = []
        for database in (self.shop, self.mes):
            async with database.session() as session:
                found += await inbox.dead(session)
        return [f"{letter.queue}: {letter.type} {letter.reason}" for letter in found]

    async def _while_running(
        self, parts: Collection[str], busy: Callable[[], Awaitable[list[str]]]
    ) -> None:
        tasks = [asyncio.create_task(self.parts[name].run()) for name in parts]
        try:
            await eventually_async(
                busy,
                until=lambda found: not found,
                timeout=PATIENCE,
                describe=f"{', '.join(parts)} have nothing left to do",
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _has_work(self, part: str) -> bool:
        if part in self.running.consumers:
            async with self.broker.channel() as channel:
                queue = await channel.declare_queue(part, passive=True)
                return bool(queue.declaration_result.message_count)
        if part == PRICING:
            async with self.mes.session() as session:
                return await session.scalar(sa.select(CalculationRequest.id).limit(1)) is not None
        database = self.shop if part == "relay of shop" else self.mes
        async with database.session() as session:
            waiting = sa.select(outbox_tables.outbox.c.id).where(
                outbox_tables.outbox.c.published_at.is_(None)
            )
            return await session.scalar(waiting.limit(1)) is not None

    async def _not_arrived(self, ids: Collection[UUID]) -> list[str]:
        """Events about these orders that wait in an outbox or inbox, or that a consumer has not
        noted."""
        told: list[Any] = []
        noted: set[tuple[str, UUID]] = set()
        outbox, consumed = outbox_tables.outbox.c, outbox_tables.consumed_event.c
        for database in (self.shop, self.mes):
            async with database.session() as session:
                told += await session.execute(
                    sa.select(outbox.event_id, outbox.type, outbox.published_at).where(
                        outbox.body["order_id"].astext.in_(map(str, ids))
                    )
                )
                rows = await session.execute(sa.select(consumed.consumer, consumed.event_id))
                noted.update((consumer, event_id) for consumer, event_id in rows)
        async with self.mes.session() as session:
            unpriced = await session.scalars(
                sa.select(CalculationRequest.lane).where(CalculationRequest.order_id.in_(ids))
            )
        early: list[Any] = []
        for database in (self.shop, self.mes):
            async with database.session() as session:
                early += await session.execute(
                    sa.select(outbox_tables.inbox.c.consumer, outbox_tables.inbox.c.type).where(
                        outbox_tables.inbox.c.order_id.in_(ids)
                    )
                )
        waiting = [f"{type_} waits in the inbox of {queue}" for queue, type_ in early]
        return (
            waiting
            + [f"to be priced for {lane}" for lane in unpriced]
            + [
                f"{type_} for {queue}"
                for event_id, type_, published_at in told
                for queue in SUBSCRIPTIONS
                if SUBSCRIPTIONS[queue].wants(type_)
                and (published_at is None or (queue, event_id) not in noted)
            ]
        )
