"""Waiting for something to become true: the one place in the suite that sleeps.

    price = eventually(lambda: order.price(), describe=f"the price of {order.number}")

polls until the price is there. When it never comes, the failure lists every state that was seen
and when, so that "it was never there" and "it was there and went away" read differently:

    NotYetTrue: the price of AT-7K3M9Q: not so within 10.0 s, after 54 looks
        0.00 –  0.41 s  None  (7 times)
        0.52 – 10.00 s  PRICING_FAILED  (47 times)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")

Exceptions = tuple[type[Exception], ...]

_GROWTH = 1.4
_SLOWEST = 0.25  # seconds between two looks; a slower pace would be felt, a faster one costs CPU
_LINES_SHOWN = 30
_STATE_LENGTH = 500


@dataclass
class Seen:
    """One state and the time it lasted, in seconds since the wait began."""

    state: str
    first: float
    last: float
    looks: int = 1


@dataclass
class Wait:
    """What one wait was for and what it saw."""

    awaited: str
    timeout: float
    seen: list[Seen] = field(default_factory=list)
    looks: int = 0
    took: float = 0.0
    came_true: bool = False
    ran_out: bool = False

    def saw(self, state: str, at: float) -> None:
        self.looks += 1
        self.took = at
        if self.seen and self.seen[-1].state == state:
            self.seen[-1].last = at
            self.seen[-1].looks += 1
        else:
            self.seen.append(Seen(state, at, at))

    def __str__(self) -> str:
        verdict = (
            f"came true after {self.took:.2f} s"
            if self.came_true
            else f"not so within {self.timeout:.1f} s"
            if self.ran_out
            else f"not so for {self.took:.2f} s, when it was given up (of {self.timeout:.1f} s)"
        )
        looks = "1 look" if self.looks == 1 else f"{self.looks} looks"
        return "\n".join([f"{self.awaited}: {verdict}, after {looks}", *_lines(self.seen)])


class NotYetTrue(AssertionError):
    """What was awaited did not come. `wait` holds the states that were seen."""

    def __init__(self, wait: Wait, reason: str = "") -> None:
        super().__init__(f"{reason}\n{wait}" if reason else str(wait))
        self.wait = wait


class StillBusy(NotYetTrue):
    """`quiesce` gave up. `stuck` holds what the last round found, by probe."""

    def __init__(self, wait: Wait, stuck: Mapping[str, Sequence[str]]) -> None:
        self.stuck = {name: list(things) for name, things in stuck.items() if things}
        lines = [f"still busy after {wait.took:.1f} s:"]
        for name, things in self.stuck.items():
            lines += [f"  {name}:", *(f"    {thing}" for thing in things)]
        if not self.stuck:
            lines.append("  nothing now, but it did not stay quiet long enough")
        super().__init__(wait, "\n".join(lines))


sleeping: ContextVar[Callable[[float], object]] = ContextVar("sleeping", default=time.sleep)
"""How whoever waits sleeps. Of several who act at once, each lets the others act meanwhile."""

_last: Wait | None = None


def last_wait() -> Wait | None:
    """The wait that began last in the running test, even when it was interrupted."""
    return _last


def failed_wait() -> Wait | None:
    """The wait that the running test ended in; None where the last one came true, and what has
    failed is something else."""
    return None if _last is None or _last.came_true else _last


def forget_waits() -> None:
    """Called before each test, so that its report never shows the wait of another."""
    global _last
    _last = None


def _sleep(seconds: float) -> None:
    sleeping.get()(seconds)


def eventually(
    probe: Callable[[], T],
    *,
    until: Callable[[T], object] = bool,
    timeout: float = 10.0,
    interval: float = 0.02,
    describe: str = "",
    show: Callable[[T], object] | None = None,
    ignoring: Exceptions = (),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = _sleep,
) -> T:
    """Look until `until(probe())` holds and return what the probe gave.

    `timeout` and `interval` are seconds; the pace slows down from `interval` to a look every
    0.25 s, and there is always one look at the very end. `describe` says what is awaited,
    `show` how one state is written. Exceptions of the probe in `ignoring` count as a state that
    is not yet right; all others are raised at once. Raises NotYetTrue.
    """
    __tracebackhide__ = True  # the failure is shown where the wait was asked for
    poll = _Poll(probe, until, timeout, interval, describe, show, clock)
    while True:
        try:
            value = probe()
        except ignoring as error:
            poll.failed(error)
        else:
            if poll.saw(value):
                return value
        sleep(poll.pause())


async def eventually_async(
    probe: Callable[[], Awaitable[T]],
    *,
    until: Callable[[T], object] = bool,
    timeout: float = 10.0,
    interval: float = 0.02,
    describe: str = "",
    show: Callable[[T], object] | None = None,
    ignoring: Exceptions = (),
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """`eventually` for a probe that is a coroutine function. Raises NotYetTrue."""
    __tracebackhide__ = True  # the failure is shown where the wait was asked for
    poll = _Poll(probe, until, timeout, interval, describe, show, clock)
    while True:
        try:
            value = await probe()
        except ignoring as error:
            poll.failed(error)
        else:
            if poll.saw(value):
                return value
        await sleep(poll.pause())


def quiesce(
    probes: Mapping[str, Callable[[], Sequence[str]]],
    *,
    settle: int = 2,
    timeout: float = 10.0,
    interval: float = 0.02,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = _sleep,
) -> None:
    """Wait until nothing is on its way any more.

    Each probe returns what is stuck at its place, one text a thing ("order.submitted 018f…,
    waiting 3.2 s"). Quiet means `settle` rounds in a row in which every probe found nothing: one
    empty round may fall just between a queue and its consumer. Raises StillBusy, which names
    what is stuck, by probe.
    """
    __tracebackhide__ = True
    quiet = 0
    stuck: dict[str, Sequence[str]] = {}

    def look() -> dict[str, Sequence[str]]:
        nonlocal quiet, stuck
        stuck = {name: found for name, probe in probes.items() if (found := list(probe()))}
        quiet = 0 if stuck else quiet + 1
        return stuck

    def amounts(found: Mapping[str, Sequence[str]]) -> str:
        return ", ".join(f"{name}: {len(things)}" for name, things in found.items()) or "quiet"

    try:
        eventually(
            look,
            until=lambda _: quiet >= settle,
            timeout=timeout,
            interval=interval,
            describe="quiet in " + ", ".join(probes),
            show=amounts,
            clock=clock,
            sleep=sleep,
        )
    except NotYetTrue as failure:
        raise StillBusy(failure.wait, stuck) from None


class _Poll(Generic[T]):
    """What the two `eventually` share: the deadline, the pace and the record of the wait."""

    def __init__(
        self,
        probe: Callable[..., object],
        until: Callable[[T], object],
        timeout: float,
        interval: float,
        describe: str,
        show: Callable[[T], object] | None,
        clock: Callable[[], float],
    ) -> None:
        global _last
        self._until = until
        self._pace = interval
        self._was_last_look = False
        self._show = show or _plain
        self._clock = clock
        self._start = clock()
        self.wait = _last = Wait(describe or _name(probe), timeout)

    def saw(self, value: T) -> bool:
        self._record(self._show(value))
        self.wait.came_true = bool(self._until(value))
        return self.wait.came_true

    def failed(self, error: Exception) -> None:
        self._record(f"{type(error).__name__}: {error}")

    def _record(self, state: object) -> None:
        text = str(state)
        if len(text) > _STATE_LENGTH:
            text = text[:_STATE_LENGTH] + " …"
        self.wait.saw(text, self._clock() - self._start)

    def pause(self) -> float:
        """Seconds until the next look; raises NotYetTrue after the one at the very end."""
        __tracebackhide__ = True
        # Measured now and not when the look began: a slow probe uses up the time too.
        left = self.wait.timeout - (self._clock() - self._start)
        if self._was_last_look or left <= 0:
            self.wait.ran_out = True
            raise NotYetTrue(self.wait)
        pause = min(self._pace, left)
        self._was_last_look = pause == left
        self._pace = max(self._pace, min(self._pace * _GROWTH, _SLOWEST))
        return pause


def _plain(value: object) -> str:
    if isinstance(value, Enum):
        return value.name
    return value if isinstance(value, str) else repr(value)


def _name(probe: Callable[..., object]) -> str:
    name = str(getattr(probe, "__name__", type(probe).__name__))
    return "what was awaited" if name == "<lambda>" else name.strip("_").replace("_", " ")


def _lines(seen: Sequence[Seen]) -> list[str]:
    lines = []
    for one in seen:
        times = f"  ({one.looks} times)" if one.looks > 1 else ""
        span = f"{one.first:5.2f} – {one.last:5.2f} s"
        lines.append(f"  {span}  {one.state}{times}".replace("\n", "\n" + " " * 19))
    if len(lines) > _LINES_SHOWN:
        head, tail = _LINES_SHOWN // 3, _LINES_SHOWN - _LINES_SHOWN // 3
        hidden = len(lines) - head - tail
        lines = [*lines[:head], f"  … {hidden} more changes …", *lines[-tail:]]
    return lines
