"""Which of two servers a read goes to: the replica where it has what must be seen, or the primary.

Decided by positions in the primary's log, which the replica replays: what was written at a position
is on the replica as soon as that has replayed it, however long this takes.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncEngine

from atelier.telemetry import metrics

T = TypeVar("T")

EVERYTHING: Final = 2**64 - 1
"""A position that no replica reaches: for who has written, and nobody knows where."""

PATIENCE: Final = 3.0  # seconds that a replica may take for a whole read

_LOOK_AFTER = 1.0  # seconds for which one look at the replica holds
_TRY_AGAIN_AFTER = 2.0  # seconds between two looks at a replica that was lost

# The end of the log in memory: with asynchronous commits what is on disk may be less.
_WRITTEN = sa.text("SELECT pg_current_wal_insert_lsn() - '0/0'")
_REPLAYED = sa.text(
    "SELECT pg_last_wal_replay_lsn() - '0/0',"
    " extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())"
)
# The replica had to end the read, so as to go on replaying; it is well otherwise.
_CONFLICTS = ("40001", "40P01")

_log = structlog.get_logger("atelier.replica")


class Why(StrEnum):
    """Why a read went where it went."""

    CURRENT = "current"  # the replica has what must be seen
    NO_REPLICA = "no replica"
    BEHIND = "behind"  # it has not come to the position that the reader must see
    LAGGING = "lagging"
    LOST = "lost"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class LagLimit:
    """How far a replica may be behind before nothing is read from it any more."""

    bytes: int = 16 * 1024 * 1024
    seconds: float = 10.0


async def position_of(primary: AsyncEngine) -> int:
    """Where the primary's log ends now: a replica that is there has all that was committed."""
    async with primary.connect() as connection:
        return int(await connection.scalar(_WRITTEN))


def is_lost(error: Exception) -> bool:
    """Whether `error` says that a server does not answer, and not that it refuses."""
    if isinstance(error, DBAPIError):
        return isinstance(error.orig, psycopg.OperationalError) and not is_conflict(error)
    return isinstance(error, (TimeoutError, OSError, NoConnectionFree))


def is_conflict(error: Exception) -> bool:
    """Whether a replica ended a read for the sake of what it has to replay."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in _CONFLICTS


class Replica:
    """What is known of one replica: whether it answers, and how far it has come.

    It is looked at when a read wants it and the last look is a second old. One that is lost is
    looked at in the background until it answers again: no reader waits for it meanwhile.
    """

    def __init__(
        self, name: str, primary: AsyncEngine, replica: AsyncEngine, limit: LagLimit
    ) -> None:
        self._name = name
        self._primary = primary
        self._replica = replica
        self._limit = limit
        self._turn = asyncio.Lock()
        self._looked = -math.inf
        self._position = 0
        self._lags = False
        self._watching: asyncio.Task[None] | None = None
        self._given_up: set[asyncio.Task[Any]] = set()

    @property
    def lost(self) -> bool:
        """Whether it did not answer when it was last asked."""
        return self._watching is not None

    @property
    def unusable(self) -> bool:
        """Whether it was lost, or too late, when it was last asked."""
        return self.lost or self._lags

    async def judge(self, after: int) -> Why:
        """CURRENT when a read that must see what was written up to `after` may go to it."""
        if not self.lost:
            async with self._turn:
                old = time.monotonic() - self._looked > _LOOK_AFTER
                if not self.lost and (old or self._position < after):
                    await self._look_or_lose()
        if self.lost:
            return Why.LOST
        if self._lags:
            return Why.LAGGING
        return Why.CURRENT if self._position >= after else Why.BEHIND

    async def within_patience(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` on the replica comes to. Raises TimeoutError, and what `work` raises.

        The end of what was given up is not waited for: a server that stands still does not answer
        that it has cancelled a query either.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task}, timeout=PATIENCE)
        except asyncio.CancelledError:
            self._give_up(task)
            raise
        if task.done():
            return task.result()
        self._give_up(task)
        raise TimeoutError(f"the replica has not answered within {PATIENCE:.0f} s")

    def lose(self, error: Exception) -> None:
        """Note that it did not answer: nothing is read from it until it does again."""
        if not self.lost:
            # Without the error's text, which may hold what somebody searched for.
            _log.warning("replica lost", database=self._name, error=type(error).__name__)
            self._looked, self._position = -math.inf, 0
            metrics.replica_lag_bytes.labels(self._name).set(math.nan)
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Ends what still waits for it."""
        waiting = [*self._given_up, *filter(None, [self._watching])]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_TRY_AGAIN_AFTER)
            with suppress(DBAPIError, TimeoutError, OSError, NoConnectionFree):
                await self._look()
                break
        self._watching = None
        _log.info("replica back", database=self._name)

    async def _look_or_lose(self) -> None:
        try:
            await self._look()
        except (DBAPIError, TimeoutError, OSError, NoConnectionFree) as error:
            self.lose(error)

    async def _look(self) -> None:
        try:
            written = await position_of(self._primary)
        except (DBAPIError, OSError, NoConnectionFree):
            written = 0  # without the primary, the replica is the best there is
        replayed, silence = await self.within_patience(self._ask())
        # Only a replica that has something to replay is late, however long nobody wrote anything.
        behind = max(written - replayed, 0)
        late = behind > 0 and silence > self._limit.seconds
        self._lags = behind > self._limit.bytes or late
        self._position, self._looked = replayed, time.monotonic()
        metrics.replica_lag_bytes.labels(self._name).set(behind)

    async def _ask(self) -> tuple[int, float]:
        """Its position, and the seconds since the last commit that it has replayed.

        Of a replica that has replayed none since its start nobody knows how late it is.
        """
        async with self._replica.connect() as connection:
            replayed, silence = (await connection.execute(_REPLAYED)).one()
        return int(replayed or 0), math.inf if silence is None else float(silence)

    def _give_up(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        self._given_up.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # asked for, or asyncio would complain


def count(database: str, target: str, why: Why) -> None:
    """One read went to `target`."""
    metrics.replica_reads_total.labels(database, target, why).inc()
