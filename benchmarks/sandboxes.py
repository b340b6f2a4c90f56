"""How long a sandbox takes: ready from the pool, made from nothing, and torn down.

    .venv/bin/python -m benchmarks.sandboxes [--count 30] [--in-a-row 200] [--backing native]

Prints the median, the fastest and the slowest in milliseconds, and the parts of a making. Then it
makes and drops many in a row, and prints what the last ones took against the first ones, and what
the run holds against what it held. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg

from touchstone import reaping
from touchstone.backing.providers import PROVIDERS
from touchstone.keeper.client import Allocation, KeeperClient, KeeperProcess
from touchstone.waiting import eventually

_WATCHED = {
    "touchstone.keeper": "keeper",
    "touchstone.zygote": "zygote",
    "beam.smp": "RabbitMQ",
    "redis-server": "Redis",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--in-a-row", type=int, default=200)
    parser.add_argument("--backing", choices=PROVIDERS, default="native")
    options = parser.parse_args()
    keeper = KeeperProcess(Path.cwd(), options.backing)
    try:
        keeper.wait()
        client = KeeperClient(keeper.folder.socket)
        print(f"backing services   {client.backing().summary()}")
        print(f"{'ms':18} {'median':>7} {'min':>7} {'max':>7}   of {options.count}")
        made = [_allocated(client) for _ in range(options.count)]
        _row("made from nothing", [allocation.waited for allocation in made])
        for part in made[0].seconds:
            if part != "total":
                _row(f"  {part}", [allocation.seconds[part] for allocation in made])
        _row("torn down", [_torn_down(client) for _ in range(options.count)])
        if options.in_a_row:
            _drift(client, keeper.folder.path, options.in_a_row)
        # More than are taken below, so that the pool is always being filled.
        client.expect(100 * options.count)
        _row("ready in the pool", [_pooled(client).waited for _ in range(options.count)])
        client.close()
    finally:
        keeper.close()


def _allocated(client: KeeperClient) -> Allocation:
    allocation = client.sandbox()
    client.release(allocation.sandbox)
    return allocation


def _torn_down(client: KeeperClient) -> float:
    """Seconds from the release of a sandbox until nothing is left of it."""
    allocation = client.sandbox()
    began = time.monotonic()
    client.release(allocation.sandbox)
    # Its folder goes last.
    eventually(
        allocation.sandbox.files.parent.exists, until=lambda there: not there, interval=0.001
    )
    return time.monotonic() - began


def _drift(client: KeeperClient, folder: Path, count: int) -> None:
    """Make and drop `count` sandboxes; print what has changed from the first to the last."""
    some = min(20, count // 2)
    waited = []
    for number in range(count):
        allocation = client.sandbox()
        waited.append(allocation.waited)
        client.release(allocation.sandbox)
        eventually(allocation.sandbox.files.parent.exists, until=lambda there: not there)
        if number == some:
            before = _holdings(client, folder)
    after = _holdings(client, folder)
    first, last = (statistics.median(part) * 1000 for part in (waited[:some], waited[-some:]))
    print(f"{f'{count} in a row':34} {f'first {some}':>10} {f'last {some}':>10}")
    print(f"{'  made from nothing, ms':34} {first:10.1f} {last:10.1f}")
    for name, held in before.items():
        print(f"{f'  {name}':34} {held:10} {after[name]:10}")


def _holdings(client: KeeperClient, folder: Path) -> dict[str, int]:
    """What a run holds between two sandboxes."""
    backing = client.backing()
    broker = backing.broker
    vhosts = httpx.get(
        f"{broker.management_url}/api/vhosts", auth=(broker.user, broker.password)
    ).json()
    with psycopg.connect(backing.database(backing.primary, "postgres")) as connection:
        row = connection.execute("SELECT count(*) FROM pg_database").fetchone()
    processes = list(reaping.processes(folder))
    held = {
        "processes": len(processes),
        "databases": row[0] if row else 0,
        "virtual hosts": len(vhosts),
        "run folder, MB": sum(each.stat().st_size for each in _files(folder)) // 10**6,
        "files in the run folder": sum(1 for _ in _files(folder)),
    }
    for process in processes:
        name = next((part for part in _WATCHED if part in process.cmdline()), process.name())
        if name in _WATCHED:
            memory = process.memory_info().rss // 10**6
            held[f"{_WATCHED[name]}: memory, MB"] = memory
            held[f"{_WATCHED[name]}: open files"] = process.num_fds()
            held[f"{_WATCHED[name]}: threads"] = process.num_threads()
    return held


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink():
                yield path


def _pooled(client: KeeperClient) -> Allocation:
    """The next sandbox that had been made ahead; those made on demand are passed over."""
    return eventually(
        lambda: _allocated(client), until=lambda allocation: allocation.pooled, interval=0.25
    )


def _row(name: str, seconds: list[float]) -> None:
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    print(f"{name:18} {middle * 1000:7.1f} {least * 1000:7.1f} {most * 1000:7.1f}")


if __name__ == "__main__":
    main()
