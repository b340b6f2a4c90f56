"""Keeps the read model current: one projector at a time, the others stand by."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg
import structlog

from atelier.cache import CACHE_GONE
from atelier.cancellation import heed_cancellation
from atelier.data.patience import connect
from atelier.mes.listing import changes
from atelier.mes.listing.changes import Changes, Connection, Mark
from atelier.mes.listing.readmodel import ReadModel, Stamp
from atelier.mes.listing.rows import Row
from atelier.messaging.backoff import Backoff

log = structlog.get_logger(__name__)

KEEPER: Final = 0x115701  # any numbers, but the same in every process
REBUILD: Final = 0x115702

_LOOK_EVERY: Final = 1.0  # seconds; a notification comes earlier
GATHER: Final = 0.05  # seconds in which changes that come together are taken together


class Projector:
    """Brings the read model from the position that it has itself to the newest one, again and
    again. So it makes no difference what was lost, or when: a read model that is gone is built
    anew, one that is old catches up.
    """

    def __init__(self, url: str, model: ReadModel) -> None:
        """`url` is the `postgresql://…` of the `mes` database."""
        self._url = url
        self._model = model
        self._away = False
        self._written: Stamp | None = None
        self._told: frozenset[Mark] = frozenset()

    async def run(self) -> None:
        """Until cancelled; survives all else."""
        backoff = Backoff()
        while True:
            try:
                await self._keep(backoff)
            except CACHE_GONE as error:
                if not self._away:
                    log.warning("read model away", reason=type(error).__name__)
                self._away = True
            except psycopg.Error as error:
                log.warning("projector interrupted", reason=type(error).__name__)
            except Exception:
                log.exception("projector failed")
            await backoff.pause()

    async def _keep(self, backoff: Backoff) -> None:
        async with await connect(self._url) as connection:
            await _get_the_lock(connection)
            await connection.execute(f"LISTEN {changes.CHANNEL}".encode())
            log.info("projector active")
            while True:
                await self._catch_up(connection)
                self._away = False
                backoff.reset()
                await gathered(connection, _LOOK_EVERY)
                heed_cancellation()

    async def _catch_up(self, connection: Connection) -> None:
        if not await _locked(connection, REBUILD):
            return  # Somebody builds it anew; what happens meanwhile is caught up with afterwards.
        try:
            stamp = await self._model.stamp()
            found = None if stamp is None else await changes.since(connection, stamp.position)
            if stamp is None or found is None or found.rows is None:
                if stamp is not None and found is not None and found.position < stamp.position:
                    await self._model.drop()  # of another server's transactions
                await build(connection, self._model)
                return
            news = self._news(found, stamp)
            if news or found.position != stamp.position:
                self._written = await self._model.apply(news, found.position, stamp)
                self._told = frozenset(found.marks)
            await self._model.is_current()
        finally:
            await connection.execute("SELECT pg_advisory_unlock(%s)", [REBUILD])

    def _news(self, found: Changes, stamp: Stamp) -> Sequence[Row]:
        """Without what is in the read model already, where that is what was written last here.

        While a transaction runs for long, all that came after its beginning comes with every look.
        """
        told = self._told if stamp == self._written else frozenset()
        return [
            row for row, mark in zip(found.rows or (), found.marks, strict=True) if mark not in told
        ]


async def rebuild(url: str, model: ReadModel) -> int:
    """Build the read model anew, whatever it holds, and return how many rows it has then.

    Changes that come meanwhile are in it, too, and pages see the old one until the new one is
    whole. Raises psycopg.Error, or one of CACHE_GONE.
    """
    async with await connect(url) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", [REBUILD])
        return await build(connection, model)


async def build(connection: Connection, model: ReadModel) -> int:
    """`rebuild` for whoever holds the lock already."""
    await changes.adopt(connection)
    while True:
        whole = await changes.whole(connection)
        # None: one who has lost the lock has brought the old one further in the meantime.
        if await model.replace(whole) is not None:
            log.info("read model built", rows=len(whole.rows))
            return len(whole.rows)


async def gathered(connection: Connection, patience: float) -> None:
    """Wait for a notification, and a moment more for others."""
    notified = [each async for each in connection.notifies(timeout=patience, stop_after=1)]
    if notified:
        async for _ in connection.notifies(timeout=GATHER):
            pass


async def _get_the_lock(connection: Connection) -> None:
    # Asked for again and again, not waited for: a waiting statement would keep a snapshot open.
    while True:
        if await _locked(connection, KEEPER):
            return
        await asyncio.sleep(_LOOK_EVERY)


async def _locked(connection: Connection, lock: int) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [lock])
    row = await cursor.fetchone()
    return bool(row and row[0])
