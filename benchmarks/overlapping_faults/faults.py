"""What goes wrong: a seeded schedule of faults on several tracks at once."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import psycopg

from atelier.messaging.broker import BROKER_GONE
from benchmarks.overlapping_faults import messages
from benchmarks.overlapping_faults.company import Company

TRACKS = 3
_PAUSE = (0.2, 1.8)  # times the mean, between two faults of one track
_LASTS = (0.2, 3.0)  # seconds
_PRIMARY_LASTS = (0.5, 9.0)  # seconds: longer than three quick attempts

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

    def __init__(self, company: Company, seed: int, pause: float) -> None:
        """`pause` is the mean time between two faults of one track, in seconds."""
        self._company = company
        self._seed = seed
        self._pause = pause
        self._stopping = asyncio.Event()
        self._busy = {name: asyncio.Lock() for name in self._targets()}
        self._started = time.monotonic()
        self.happened: list[Fault] = []
        self.failed: list[str] = []
        self.reordered = 0  # messages

    def stop(self) -> None:
        self._stopping.set()

    def _targets(self) -> list[str]:
        primaries = map(_primary, self._company.primaries)
        return [*self._company.services.ports, *primaries, "broker", "messages"]

    async def run(self) -> None:
        """Until `stop`; returns when the last fault has been undone."""
        await asyncio.gather(*(self._track(number) for number in range(TRACKS)))

    async def _track(self, number: int) -> None:
        chance = random.Random(f"{self._seed}/{number}")
        while not self._stopping.is_set():
            await self._wait(chance.uniform(*_PAUSE) * self._pause)
            kind, target = self._draw(chance)
            lasts = chance.uniform(*(_PRIMARY_LASTS if kind in _OF_PRIMARIES else _LASTS))
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
        if kind in _OF_PRIMARIES:
            return kind, _primary(chance.choice(list(self._company.primaries)))
        return kind, kind.split(" ")[0]

    async def _do(self, kind: str, target: str, lasts: float, chance: random.Random) -> None:
        began = time.monotonic() - self._started
        try:
            if kind == "messages twice":
                await messages.publish_again(self._company.broker.amqp, self._databases(), chance)
            else:
                breaks, mends = self._acts(kind, target)
                await asyncio.to_thread(breaks)
                try:
                    await self._wait(lasts)
                    if kind in _REDELIVERED:
                        with suppress(*BROKER_GONE):
                            broker = self._company.broker.amqp
                            self.reordered += await messages.shuffle(broker, target, chance)
                finally:
                    await asyncio.to_thread(mends)
        except (psycopg.Error, *BROKER_GONE) as error:
            self.failed.append(f"{kind} {target}: {type(error).__name__}: {error}")
            return
        self.happened.append(Fault(kind, target, began, time.monotonic() - self._started))

    def _acts(self, kind: str, target: str) -> tuple[Act, Act]:
        """What breaks it and what mends it."""
        services, broker = self._company.services, self._company.broker_server
        if kind in _OF_PRIMARIES:
            primary = self._company.primaries[target.split(" ")[0]]
            return (primary.stop if kind == "primary stopped" else primary.crash), primary.start
        acts: dict[str, tuple[Act, Act]] = {
            "killed": (partial(services.kill, target), partial(services.start, target)),
            "ended": (partial(services.end, target), partial(services.start, target)),
            "frozen": (partial(services.freeze, target), partial(services.thaw, target)),
            "broker killed": (broker.crash, broker.start),
            "broker stopped": (broker.stop, broker.start),
        }
        return acts[kind]

    def _databases(self) -> list[str]:
        return [primary.address for primary in self._company.primaries.values()]

    async def _wait(self, seconds: float) -> None:
        """So long, or until the end."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def overlapping(faults: list[Fault]) -> int:
    """How many of them went on at the same time as another."""
    return sum(any(each.overlaps(other) for other in faults) for each in faults)


def by_kind(faults: list[Fault]) -> Counter[str]:
    return Counter(
        fault.kind if fault.kind in _TARGETLESS else f"service {fault.kind}" for fault in faults
    )


def _primary(database: str) -> str:
    return f"{database} primary"


_WEIGHTS = {
    "killed": 20,
    "frozen": 18,
    "ended": 8,
    "broker killed": 20,
    "broker stopped": 4,
    "primary killed": 8,
    "primary stopped": 12,
    "messages twice": 10,
}
_REDELIVERED = {"killed", "ended"}
_OF_PRIMARIES = {kind for kind in _WEIGHTS if kind.startswith("primary")}
_TARGETLESS = {kind for kind in _WEIGHTS if " " in kind}
