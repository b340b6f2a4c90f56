"""How many orders a second the platform takes in, against the least that its servers must do.

    .venv/bin/python -m benchmarks.intake [--seconds 10] [--at-once 16] [--rounds 3]
                                          [--backing native]

Bare: rows inserted and committed one by one, each with a message that RabbitMQ has confirmed, by
one asyncio process on the same PostgreSQL and RabbitMQ. The platform: orders of a partner over
HTTP, with a model of 5 KB each, acknowledged with 202; and the same until every acknowledged order
was found in the factory's database, none missing and none there that nobody asked for. In turns,
in one run; the load is printed. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import aio_pika
import httpx
import psycopg
import sqlalchemy as sa

from atelier.data.address import driver_url
from fixtures import models
from fixtures.accounts import MadeAccounts
from touchstone.backing.providers import PROVIDERS
from touchstone.keeper.client import KeeperClient, KeeperProcess
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

_ROW = "INSERT INTO bare (id, body) VALUES (%s, %s)"
_BODY = "x" * 500  # about what an order's event holds


class Taken(NamedTuple):
    """Orders a second: acknowledged, and found in the factory's database, too."""

    acknowledged: float
    reconciled: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backing", choices=PROVIDERS, default="native")
    options = parser.parse_args()
    keeper = KeeperProcess(Path.cwd(), options.backing)
    try:
        keeper.wait()
        client = KeeperClient(keeper.folder.socket)
        print(f"backing services   {client.backing().summary()}")
        print(f"load average       {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        bare, taken = [], []
        for _ in range(options.rounds):
            sandbox = client.sandbox(apart=True).sandbox
            with ExitStack() as closing:
                bare.append(asyncio.run(_bare(sandbox, options.seconds, options.at_once)))
                taken.append(_platform(sandbox, closing, options.seconds, options.at_once))
            client.release(sandbox)
        client.close()
    finally:
        keeper.close()
    _print(bare, taken)


async def _bare(sandbox: Sandbox, seconds: float, at_once: int) -> float:
    """Rows with confirmed messages, a second."""
    database = sandbox.databases["shop"].primary
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("CREATE TABLE bare (id uuid PRIMARY KEY, body text NOT NULL)")
    broker = await aio_pika.connect(sandbox.broker.amqp)
    async with broker, broker.channel() as channel:
        queue = await channel.declare_queue("bare", durable=True)
        connections = [
            await psycopg.AsyncConnection.connect(database, autocommit=True) for _ in range(at_once)
        ]

        async def one(worker: int) -> None:
            await connections[worker].execute(_ROW, [uuid4(), _BODY])
            await channel.default_exchange.publish(
                aio_pika.Message(_BODY.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT),
                routing_key="bare",
                mandatory=True,
            )

        rate = await _a_second(one, seconds, at_once)
        for connection in connections:
            await connection.close()
        await queue.delete(if_unused=False, if_empty=False)
    return rate


def _platform(sandbox: Sandbox, closing: ExitStack, seconds: float, at_once: int) -> Taken:
    shop, mes = (_engine(sandbox, closing, name) for name in ("shop", "mes"))
    key = MadeAccounts(sandbox, shop, mes).partner_key("Meridian")
    with shop.begin() as connection:
        connection.execute(sa.text("UPDATE partner SET burst = 1000000, daily_quota = 1000000000"))
    accepted: list[str] = []
    began = time.monotonic()
    rate = asyncio.run(_orders(sandbox, key, seconds, at_once, accepted))
    eventually(
        lambda: len(_numbers(mes, "work_order")),
        until=lambda count: count >= len(accepted),
        timeout=300,
        describe="every acknowledged order is in the factory's database",
    )
    took = time.monotonic() - began
    for engine, table in ((shop, '"order"'), (mes, "work_order")):
        found = _numbers(engine, table)
        if found != sorted(accepted):
            raise SystemExit(
                f"{table} holds {len(found)} orders, and {len(accepted)} were acknowledged: "
                f"{sorted(set(accepted) ^ set(found))[:5]} …"
            )
    return Taken(rate, len(accepted) / took)


async def _orders(
    sandbox: Sandbox, key: str, seconds: float, at_once: int, accepted: list[str]
) -> float:
    model = models.as_binary_stl(models.ring(17, prongs=0, segments=12))
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(
        base_url=sandbox.services["partner"],
        headers={"Authorization": f"Bearer {key}"},
        limits=limits,
        timeout=60,
    ) as http:

        async def one(_: int) -> None:
            answer = await http.post(
                "/api/v1/orders",
                headers={"Idempotency-Key": str(uuid4())},
                files={"model": ("ring.stl", model, "model/stl")},
                data={"metal": "silver-925"},
            )
            answer.raise_for_status()
            accepted.append(answer.json()["number"])

        return await _a_second(one, seconds, at_once)


async def _a_second(one: Callable[[int], Awaitable[None]], seconds: float, at_once: int) -> float:
    """How often `one` was done a second, by `at_once` workers without pause."""
    began = time.monotonic()
    done = 0

    async def work(worker: int) -> None:
        nonlocal done
        while time.monotonic() - began < seconds:
            await one(worker)
            done += 1

    await asyncio.gather(*map(work, range(at_once)))
    return done / (time.monotonic() - began)


def _numbers(engine: sa.Engine, table: str) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.text(f"SELECT number FROM {table}")).all())


def _engine(sandbox: Sandbox, closing: ExitStack, database: str) -> sa.Engine:
    engine = sa.create_engine(driver_url(sandbox.databases[database].primary))
    closing.callback(engine.dispose)
    return engine


def _print(bare: list[float], taken: list[Taken]) -> None:
    rows = {
        "bare insert and confirmed publish": bare,
        "orders acknowledged": [each.acknowledged for each in taken],
        "orders acknowledged and reconciled": [each.reconciled for each in taken],
    }
    measure = statistics.median(bare)
    print(f"\n{'a second':36} {'median':>8} {'min':>8} {'max':>8}   against bare")
    for name, rates in rows.items():
        median = statistics.median(rates)
        print(
            f"{name:36} {median:8.1f} {min(rates):8.1f} {max(rates):8.1f}   {median / measure:.2f}"
        )


if __name__ == "__main__":
    main()
