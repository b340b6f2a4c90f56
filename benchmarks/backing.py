"""How long the start of the backing services takes: each alone, and all together.

    .venv/bin/python -m benchmarks.backing [--count 5]

Prints medians, the fastest and the slowest in seconds, and the processor time of the servers until
they answered. They take turns, so that what else the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from touchstone import reaping, run, surroundings
from touchstone.backing.native import NativeProvider
from touchstone.backing.postgres import Postgres
from touchstone.backing.rabbitmq import RabbitMQ
from touchstone.backing.redis import Redis

Start = Callable[[Path], object]

STARTS: dict[str, Start] = {
    "PostgreSQL, primary and replica": lambda folder: Postgres(folder / "pg", "secret").start(),
    "RabbitMQ": lambda folder: RabbitMQ(folder / "mq", "secret").start(),
    "Redis": lambda folder: Redis(folder / "redis", "secret").start(),
    "all together": lambda folder: NativeProvider(folder).start(lambda _: None),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5)
    options = parser.parse_args()
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTS}
    for _ in range(options.count):
        for name, start in STARTS.items():
            took[name].append(_measure(start))
    print(f"{'s':32} {'median':>7} {'min':>7} {'max':>7} {'processor':>10}   of {options.count}")
    for name, pairs in took.items():
        walls = [wall for wall, _ in pairs]
        busy = statistics.median(busy for _, busy in pairs)
        print(
            f"{name:32} {statistics.median(walls):7.2f} {min(walls):7.2f} {max(walls):7.2f} "
            f"{busy:10.2f}"
        )


def _measure(start: Start) -> tuple[float, float]:
    folder = run.create(run.default_parent())
    os.environ[surroundings.VARIABLE] = str(folder.path)
    try:
        ended = _ended()
        began = time.monotonic()
        start(folder.path)
        took = time.monotonic() - began
        return took, _ended() - ended + sum(map(_busy, reaping.processes(folder.path)))
    finally:
        reaping.remove(folder.path)
        os.close(folder.lock)


def _ended() -> float:
    """Processor time of programs that have ended, such as `initdb`."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _busy(process: psutil.Process) -> float:
    """Processor time of a server, and of what it has started and collected."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


if __name__ == "__main__":
    main()
