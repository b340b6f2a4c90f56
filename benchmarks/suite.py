"""What the whole suite takes, and what takes it: wall time, and processor time by kind of process.

    .venv/bin/python -m benchmarks.suite
    .venv/bin/python -m benchmarks.suite --workers 2 --backing native --warm --only tests/unit

One run for each combination of workers, backing and start: cold starts the backing services itself,
warm finds those that `touchstone up` has left. Prints tables for docs/performance.md. Linux only;
run it on a machine that does nothing else.

How processor time is counted: twenty times a second the times in /proc/<pid>/stat of every process
below this one are noted. What a process used after it was last seen, or one that came and went
unseen, is found in what its parent has collected (cutime, cstime): what is there and was not seen
counts as the parent's kind. Processes whose parents end are this process's (a subreaper), so none
leaves the tree. After a cold run the system's own count of what has ended stands beside the sum, so
that both can be compared; it lacks children that their parents did not collect. Servers in
containers are no children of this process and are not in the table.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from touchstone.backing.providers import PROVIDERS

INTERVAL = 0.05  # seconds
TICK = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER = 36

PLATFORM, BROWSER, FRAMEWORK = "platform", "browser", "pytest and tests"
POSTGRES, RABBITMQ, REDIS, KEEPER = "PostgreSQL", "RabbitMQ", "Redis", "keeper"
OTHER = "other"
KINDS = (PLATFORM, BROWSER, FRAMEWORK, KEEPER, POSTGRES, RABBITMQ, REDIS, OTHER)

BY_NAME = (
    ("postgres", POSTGRES),
    ("initdb", POSTGRES),
    ("beam", RABBITMQ),
    ("erl", RABBITMQ),
    ("epmd", RABBITMQ),
    ("inet_gethost", RABBITMQ),
    ("rabbitmq", RABBITMQ),
    ("redis", REDIS),
    ("chrom", BROWSER),
    ("headless_shell", BROWSER),
    ("node", BROWSER),  # Playwright's driver
)
BY_COMMAND = (
    ("-m touchstone.zygote", PLATFORM),  # and what is forked from it
    ("-m touchstone.keeper", KEEPER),
    ("pytest", FRAMEWORK),
    ("sys.stdin.readline", FRAMEWORK),  # a worker of xdist
)


class Key(NamedTuple):
    """A process: ids are used again, moments are not."""

    pid: int
    began: int


@dataclass
class Seen:
    """One process as last seen; times are ticks. `collected` is that of children that ended."""

    parent: Key | None
    kind: str
    own: int
    collected: int


class Watch:
    """Notes the processor time of everything below this process, while it is open."""

    def __init__(self) -> None:
        self._seen: dict[Key, Seen] = {}
        self._before: dict[Key, Seen] = {}
        self._alive: set[Key] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._look()
        self._before = {key: Seen(**vars(seen)) for key, seen in self._seen.items()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def seconds(self) -> Counter[str]:
        """Processor seconds by kind."""
        ticks: Counter[str] = Counter()
        ended: Counter[Key] = Counter()  # by parent, what is known of its children
        # Children before their parents.
        for key, seen in sorted(self._seen.items(), key=lambda each: -each[0].began):
            # A parent may have ended before it was seen with what it collected last.
            collected = max(seen.collected, ended[key])
            if key not in self._alive and seen.parent:
                ended[seen.parent] += seen.own + collected
            before = self._before.get(key)
            ticks[seen.kind] += seen.own + collected - ended[key]
            if before:
                ticks[seen.kind] -= before.own + before.collected
        return Counter({kind: value / TICK for kind, value in ticks.items()})

    def _run(self) -> None:
        while not self._over.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        stats = {pid: stat for pid in _pids() if (stat := _stat(pid))}
        me = os.getpid()
        keys = {pid: Key(pid, stat.began) for pid, stat in stats.items()}
        alive = set()
        # Parents first, so that what has no name of its own is of its parent's kind.
        for pid in _below(me, stats):
            stat = stats[pid]
            parent = keys.get(stat.parent) if stat.parent != me else None
            known = self._seen.get(keys[pid])
            inherited = self._seen[parent].kind if parent in self._seen else OTHER
            kind = _kind(pid, stat.name) or (known.kind if known else inherited)
            if known is None:
                self._seen[keys[pid]] = Seen(parent, kind, stat.own, stat.collected)
            else:
                known.kind, known.own, known.collected = kind, stat.own, stat.collected
                known.parent = parent  # another one when its first has ended
            alive.add(keys[pid])
        self._alive = alive


class Stat(NamedTuple):
    name: str
    parent: int
    own: int
    collected: int
    began: int


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _stat(pid: int) -> Stat | None:
    with suppress(OSError):
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        # The name stands in parentheses and may hold some.
        name, _, rest = text.partition("(")[2].rpartition(")")
        fields = rest.split()
        user, system, child_user, child_system = map(int, fields[11:15])
        return Stat(name, int(fields[1]), user + system, child_user + child_system, int(fields[19]))
    return None


def _below(root: int, stats: dict[int, Stat]) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(stat.parent, []).append(pid)
    waiting = [root]
    while waiting:
        found = children.get(waiting.pop(), [])
        yield from found
        waiting += found


def _kind(pid: int, name: str) -> str | None:
    for start, kind in BY_NAME:
        if name.startswith(start):
            return kind
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
        for words, kind in BY_COMMAND:
            if words in command:
                return kind
    return None


class Measured(NamedTuple):
    """Seconds; `system` is its own count of the processor time, `outcome` pytest's last word."""

    wall: float
    processor: Counter[str]
    system: float | None
    outcome: str
    code: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--backing", choices=PROVIDERS, nargs="+", default=["native"])
    parser.add_argument("--cold", action="store_true", help="cold starts only")
    parser.add_argument("--warm", action="store_true", help="warm starts only")
    parser.add_argument("--only", nargs="+", default=[], help="what pytest is to run; all of it")
    options = parser.parse_args()
    starts = [name for name in ("cold", "warm") if getattr(options, name)] or ["cold", "warm"]
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1):
        sys.exit("this kernel does not let a process take over orphans")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
    runs: dict[str, Measured] = {}
    for backing in options.backing:
        for start in starts:
            with _servers(backing, start):
                for workers in options.workers:
                    name = f"{backing}, {start}, {workers} workers"
                    runs[name] = _measure(workers, backing, start, options.only)
                    print(f"{name}: {runs[name].outcome}", flush=True)
    _print(runs)
    if any(run.code for run in runs.values()):
        sys.exit("a run did not pass: its figures mean little")


@contextmanager
def _servers(backing: str, start: str) -> Iterator[None]:
    """With a warm start, backing services that stay from run to run."""
    touchstone = [sys.executable, "-m", "touchstone"]
    if start == "warm":
        subprocess.run([*touchstone, "up", "--backing", backing], check=True, stdout=sys.stderr)
    try:
        yield
    finally:
        if start == "warm":
            subprocess.run([*touchstone, "down"], check=True, stdout=sys.stderr)
            _collect_orphans()


def _measure(workers: int, backing: str, start: str, only: Sequence[str]) -> Measured:
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--backing", backing]
    before = _used_by_the_ended()
    began = time.monotonic()
    with Watch() as watch:
        ran = subprocess.run([*command, *only], capture_output=True, text=True)
        wall = time.monotonic() - began
    _collect_orphans()
    # Of a warm run the servers live on, and the system has not counted them yet.
    system = _used_by_the_ended() - before if start == "cold" else None
    if ran.returncode:
        print(ran.stdout[-5000:], ran.stderr[-2000:], file=sys.stderr)
    words = [line for line in ran.stdout.splitlines() if " in " in line and "passed" in line]
    outcome = words[-1].strip("= ") if words else f"exit code {ran.returncode}"
    return Measured(wall, watch.seconds(), system, outcome, ran.returncode)


def _used_by_the_ended() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _collect_orphans() -> None:
    """What ended as this process's child although another one had started it."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _print(runs: dict[str, Measured]) -> None:
    kinds = [kind for kind in KINDS if any(run.processor[kind] >= 0.05 for run in runs.values())]
    print("\n| run | wall | processor | as the system counts |", " | ".join(kinds), "|")
    print("| --- |" + " ---: |" * (len(kinds) + 3))
    for name, run in runs.items():
        total = run.processor.total()
        shares = [
            f"{run.processor[kind]:.1f} s, {100 * run.processor[kind] / total:.0f} %"
            for kind in kinds
        ]
        system = f"{run.system:.1f} s" if run.system is not None else ""
        print(f"| {name} | {run.wall:.1f} s | {total:.1f} s | {system} |", " | ".join(shares), "|")


if __name__ == "__main__":
    main()
