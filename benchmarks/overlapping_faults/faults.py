"""What goes wrong: a seeded schedule of faults on several tracks at once."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import aio_pika
import psycopg

from atelier.messaging import topology
from benchmarks.overlapping_faults.company import Company

TRACKS = 3
_PAUSE = (1.0, 9.0)  # seconds, between two faults of one track
_LASTS = (0.2, 3.0)  # seconds
_TWICE = 20  # messages that are published again at once

Act = Callable[[], object]


@dataclass(frozen=True)
class Fault:
    """One that really happened; seconds since the faults began."""

    kind: str
    target: str
    began: float
    ended: float

    def overlaps(self, other: Fault) -> bool:
        return self is not other and self.began < other.ended and other.began < self.ended


class Troubles:
    """Does the faults until it is told to stop; then everything runs again."""

    def __init__(self, company: Company, seed: int) -> None:
        self._company = company
        self._seed = seed
        self._stopping = asyncio.Event()
        self._busy = {name: asyncio.Lock() for name in (*company.services.ports, *_SERVERS)}
        self._started = time.monotonic()
        self.happened: list[Fault] = []
        self.failed: list[str] = []

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`; returns when the last fault has been undone."""
        await asyncio.gather(*(self._track(number) for number in range(TRACKS)))

    async def _track(self, number: int) -> None:
        chance = random.Random(f"{self._seed}/{number}")
        while not self._stopping.is_set():
            await self._wait(chance.uniform(*_PAUSE))
            kind, target = self._draw(chance)
            lasts = chance.uniform(*_LASTS)
            if self._stopping.is_set() or self._busy[target].locked():
                continue
            async with self._busy[target]:
                await self._do(kind, target, lasts, chance)

    def _draw(self, chance: random.Random) -> tuple[str, str]:
        services = list(self._company.services.ports)
        kinds = list(_WEIGHTS)
        (kind,) = chance.choices(kinds, list(_WEIGHTS.values()))
        if kind in ("killed", "ended", "frozen"):
            return kind, chance.choice(services)
        return kind, kind.split(" ")[0]

    async def _do(self, kind: str, target: str, lasts: float, chance: random.Random) -> None:
        began = time.monotonic() - self._started
        try:
            if kind == "messages twice":
                await self._publish_again(chance)
            else:
                breaks, mends = self._acts(kind, target)
                await asyncio.to_thread(breaks)
                try:
                    await self._wait(lasts)
                finally:
                    await asyncio.to_thread(mends)
        except (OSError, psycopg.Error, aio_pika.exceptions.AMQPError) as error:
            self.failed.append(f"{kind} {target}: {type(error).__name__}: {error}")
            return
        self.happened.append(Fault(kind, target, began, time.monotonic() - self._started))

    def _acts(self, kind: str, target: str) -> tuple[Act, Act]:
        """What breaks it and what mends it."""
        services, broker = self._company.services, self._company.broker_server
        primary = self._company.primary
        return {
            "killed": (partial(services.kill, target), partial(services.start, target)),
            "ended": (partial(services.end, target), partial(services.start, target)),
            "frozen": (partial(services.freeze, target), partial(services.thaw, target)),
            "broker killed": (broker.crash, broker.start),
            "broker stopped": (broker.stop, broker.start),
            "primary killed": (primary.crash, primary.start),
            "primary stopped": (primary.stop, primary.start),
        }[kind]

    async def _publish_again(self, chance: random.Random) -> None:
        """Events that were published lately, as a relay does that died before its own mark."""
        rows = []
        for name in ("shop", "mes"):
            address = self._company.primary.address(name)
            async with await psycopg.AsyncConnection.connect(address, connect_timeout=2) as db:
                found = await db.execute(
                    "SELECT type, body FROM outbox WHERE published_at IS NOT NULL "
                    "ORDER BY id DESC LIMIT 200"
                )
                rows += await found.fetchall()
        if not rows:
            raise OSError("there is nothing yet that could be published again")
        broker = urlsplit(self._company.broker.amqp)
        # Where nobody listens, aio-pika would leave a coroutine behind that complains.
        _, writer = await asyncio.open_connection(broker.hostname, broker.port)
        writer.close()
        async with await aio_pika.connect(self._company.broker.amqp, timeout=5) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(topology.EVENTS, ensure=False)
            for type_, body in chance.sample(rows, min(_TWICE, len(rows))):
                message = aio_pika.Message(
                    json.dumps(body).encode(), message_id=body["id"], type=type_
                )
                await exchange.publish(message, routing_key=type_)

    async def _wait(self, seconds: float) -> None:
        """So long, or until the end."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


def overlapping(faults: list[Fault]) -> int:
    """How many of them went on at the same time as another."""
    return sum(any(each.overlaps(other) for other in faults) for each in faults)


def by_kind(faults: list[Fault]) -> Counter[str]:
    return Counter(
        fault.kind if fault.kind in _TARGETLESS else f"service {fault.kind}" for fault in faults
    )


_SERVERS = ("broker", "primary", "messages")
_WEIGHTS = {
    "killed": 30,
    "frozen": 20,
    "ended": 12,
    "broker killed": 16,
    "broker stopped": 4,
    "primary killed": 5,
    "primary stopped": 4,
    "messages twice": 13,
}
_TARGETLESS = {kind for kind in _WEIGHTS if " " in kind}
