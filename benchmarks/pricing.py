"""What pricing measures in a second, and what a partner's flood costs a customer of the shop.

    .venv/bin/python -m benchmarks.pricing [--rounds 3] [--customers 40] [--backing native]

Throughput: models of 2,000 to 200,000 triangles, the same ones for one worker and for two, taking
turns; each size apart, and the mixture. The flood: the running platform in a sandbox; a customer
orders a piece, waits for the price, and orders the next: in quiet, while a partner sends ten times
as many models a second as the platform's limit allows, and while one that has no limit sends all
that it can, so that they wait for workers; in turns, in one run. p50 and p95 of the time from the
request for a price until the shop knows it. Run it on a machine that does nothing else: the load is
printed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import sqlalchemy as sa
import structlog

from atelier.data.address import driver_url
from atelier.domain.lifecycle import State
from atelier.pricing.fork_server import ForkServer
from atelier.pricing.pool import Pool
from atelier.settings import Settings
from fixtures import models
from fixtures.accounts import MadeAccounts
from fixtures.clients.pages import ShopForms
from fixtures.model_files import ModelFile
from touchstone.backing.providers import PROVIDERS
from touchstone.keeper.client import KeeperClient, KeeperProcess
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

_SIZES = (2_000, 10_000, 50_000, 200_000)  # triangles
_MEMORY = 1 << 30  # bytes
_NONE = 1_000_000  # no limit, and no pause
_TRIANGLES = 20_000  # of the models of customer and partner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=40)
    parser.add_argument("--backing", choices=PROVIDERS, default="native")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    _load("at the start")
    _throughput(options.rounds)
    _floods(options.rounds, options.customers, options.backing)
    _load("at the end")


def _throughput(rounds: int) -> None:
    sizes = {f"{size:,} triangles": [_ring(size)] * (400_000 // size) for size in _SIZES}
    mixture = [model for some in sizes.values() for model in some]
    print(f"{'models a second':20} {'1 worker':>10} {'2 workers':>10} {'ratio':>7}")
    for name, batch in {**sizes, "mixture": mixture}.items():
        # Forked ahead, as the platform does: here there are no threads yet.
        best = {1: 0.0, 2: 0.0}
        for _ in range(rounds):
            for workers in best:
                fork_server = ForkServer.fork(_MEMORY)
                rate = asyncio.run(_measured(batch, workers, fork_server))
                best[workers] = max(best[workers], rate)
        print(f"{name:20} {best[1]:10.1f} {best[2]:10.1f} {best[2] / best[1]:7.2f}")


async def _measured(batch: Sequence[bytes], workers: int, fork_server: ForkServer) -> float:
    """Models a second."""
    pool = Pool(600, _MEMORY, fork_server)
    try:
        await asyncio.gather(*(pool.measure(batch[0]) for _ in range(workers)))
        left = iter(batch)

        async def work() -> None:
            for model in left:
                await pool.measure(model)

        began = time.monotonic()
        await asyncio.gather(*(work() for _ in range(workers)))
        return len(batch) / (time.monotonic() - began)
    finally:
        await pool.close()


def _floods(rounds: int, customers: int, backing: str) -> None:
    keeper = KeeperProcess(Path.cwd(), backing)
    try:
        keeper.wait()
        client = KeeperClient(keeper.folder.socket)
        print(f"backing services     {client.backing().summary()}")
        allocation = client.sandbox(apart=True)
        with ExitStack() as closing:
            _compare(allocation.sandbox, closing, rounds, customers // rounds)
        client.release(allocation.sandbox)
        client.close()
    finally:
        keeper.close()


def _compare(sandbox: Sandbox, closing: ExitStack, rounds: int, customers: int) -> None:
    shop, mes = (_engine(sandbox, closing, name) for name in ("shop", "mes"))
    accounts = MadeAccounts(sandbox, shop, mes)
    forms = ShopForms(sandbox.services["shop"], accounts.customer("Anna").cookies)
    closing.callback(forms.close)
    model = ModelFile("ring.stl", _ring(_TRIANGLES))
    limits = Settings.model_fields
    burst, window = limits["partner_burst"].default, limits["partner_burst_window"].default
    quiet, limited, unlimited = "in quiet", "in a flood, with the limit", "without any limit"
    times: dict[str, list[float]] = {quiet: [], limited: [], unlimited: []}
    sent: list[str] = []
    _times(forms, shop, model, 3)  # workers are started, pages compiled
    for number in range(rounds):
        times[quiet] += _times(forms, shop, model, customers)
        for name, tokens, rate in (
            (limited, burst, 10 * burst / window),
            (unlimited, _NONE, _NONE),
        ):
            key = _with_limit(accounts, shop, f"{name} {number}", tokens, window)
            with _flood(sandbox, key, rate) as flood:
                if name is limited:
                    eventually(lambda flood=flood: flood.refused, timeout=120)  # type: ignore[misc]
                else:
                    eventually(lambda: _waiting(mes), until=lambda count: count >= 20, timeout=60)
                before = flood.refused, flood.accepted, time.monotonic()
                times[name] += _times(forms, shop, model, customers)
                refused, accepted = flood.refused - before[0], flood.accepted - before[1]
                took = time.monotonic() - before[2]
            sent.append(f"{name}: {accepted / took:.1f} accepted, {refused / took:.1f} refused")
            eventually(lambda: not _waiting(mes), timeout=300)
    print(f"{'time to price, ms':28} {'p50':>8} {'p95':>8} {'ratio':>8}   of {rounds * customers}")
    for name, taken in times.items():
        ratio = statistics.median(taken) / statistics.median(times[quiet])
        p50, p95 = statistics.median(taken) * 1000, _p95(taken) * 1000
        print(f"{name:28} {p50:8.1f} {p95:8.1f} {ratio:8.2f}")
    print(f"the partner's models a second, {burst / window:.1f} allowed", *sent, sep="\n  ")


def _with_limit(accounts: MadeAccounts, shop: sa.Engine, name: str, burst: int, window: int) -> str:
    """The API key of a new partner that may send `burst` requests in `window` seconds."""
    key = accounts.partner_key(name)
    with shop.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE partner SET burst = :burst, burst_window = :window, daily_quota = 1000000"
                " WHERE name = :name"
            ),
            {"burst": burst, "window": window, "name": name},
        )
    return key


@dataclass
class _Flood:
    """What the partner's program has counted so far."""

    accepted: int = 0
    refused: int = 0


@contextmanager
def _flood(sandbox: Sandbox, key: str, rate: float) -> Iterator[_Flood]:
    """A partner's program that sends `rate` models a second, or as many as it can."""
    counted = _Flood()
    with tempfile.NamedTemporaryFile(suffix=".stl") as file:
        file.write(_ring(_TRIANGLES, diameter=18))
        file.flush()
        address = sandbox.services["partner"]
        command = [sys.executable, "-m", "benchmarks.flood", address, key, file.name, str(rate)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            assert process.stdout

            def count() -> None:
                for line in process.stdout or ():
                    counted.accepted, counted.refused = map(int, line.split())

            counting = Thread(target=count)
            counting.start()
            try:
                yield counted
            finally:
                process.stdin.close()
                counting.join()


def _times(forms: ShopForms, shop: sa.Engine, model: ModelFile, count: int) -> list[float]:
    """Seconds from the request for a price until the shop knows it, one order after another."""
    times = []
    for _ in range(count):
        number = forms.begin(model).number
        began = time.monotonic()
        forms.submit(number, "gold-585")
        eventually(
            lambda number=number: _state(shop, number),  # type: ignore[misc]
            until=lambda state: state == State.PRICE_CALCULATED,
            timeout=120,
            interval=0.01,
        )
        times.append(time.monotonic() - began)
    return times


def _state(shop: sa.Engine, number: str) -> str:
    query = sa.text('SELECT state FROM "order" WHERE number = :number')
    with shop.connect() as connection:
        return str(connection.scalar(query, {"number": number}))


def _waiting(mes: sa.Engine) -> int:
    with mes.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM calculation_request")) or 0)


def _ring(triangles: int, diameter: float = 17) -> bytes:
    return models.as_binary_stl(models.ring(diameter, prongs=0, segments=triangles // 8))


def _engine(sandbox: Sandbox, closing: ExitStack, database: str) -> sa.Engine:
    engine = sa.create_engine(driver_url(sandbox.databases[database].primary))
    closing.callback(engine.dispose)
    return engine


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def _load(when: str) -> None:
    print(f"load average         {os.getloadavg()[0]:.1f} {when}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
