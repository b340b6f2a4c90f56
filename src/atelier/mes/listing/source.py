"""Where the list comes from: the read model, or PostgreSQL while there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import structlog

from atelier.cache import CACHE_GONE
from atelier.data.database import Database
from atelier.mes.listing import changes, chunks
from atelier.mes.listing.changes import Beginning, Changes, Connection
from atelier.mes.listing.readmodel import ReadModel, Sendable, Stamp
from atelier.telemetry import metrics

log = structlog.get_logger(__name__)

_BUILT_LASTS: Final = 2.0  # seconds; who gets it asks for what has changed since, anyway


class Source:
    """`fast` says whether the read model was there when it was last looked for."""

    def __init__(self, database: Database, model: ReadModel) -> None:
        self._database = database
        self._model = model
        self.fast = True
        self._built: Sendable | None = None
        self._built_until = 0.0
        self._building = asyncio.Lock()

    async def look_for_the_read_model(self) -> bool:
        """Whether it is there. Until it is, nobody has to wait for a Redis that does not answer."""
        try:
            there = await self._model.stamp() is not None
        except CACHE_GONE as error:
            if self.fast:
                log.warning("list served from the database", reason=type(error).__name__)
            there = False
        self.fast = there
        return there

    async def beginning(self) -> Beginning:
        """The newest rows, as many as a screen shows."""
        if self.fast:
            try:
                if (found := await self._model.beginning()) is not None:
                    _count("hit")
                    return found
            except CACHE_GONE as error:
                log.warning("read model away", reason=type(error).__name__)
            self.fast = False
        _count("miss")
        async with self._connection() as connection:
            return await changes.beginning(connection, chunks.FIRST)

    async def whole(self) -> Sendable:
        """The whole list, packed."""
        if self.fast:
            try:
                if (found := await self._model.whole()) is not None:
                    _count("hit")
                    return found
            except CACHE_GONE as error:
                log.warning("read model away", reason=type(error).__name__)
            self.fast = False
        _count("miss")
        # One at a time: of all who ask meanwhile, nobody reads 50,000 rows a second time.
        async with self._building:
            if self._built is None or time.monotonic() > self._built_until:
                self._built = await self._build()
                self._built_until = time.monotonic() + _BUILT_LASTS
            return self._built

    async def since(self, position: int) -> Changes:
        """What has changed since; always from PostgreSQL, which does not forget."""
        async with self._connection() as connection:
            return await changes.since(connection, position)

    async def _build(self) -> Sendable:
        async with self._connection() as connection:
            whole = await changes.whole(connection)
        built = await asyncio.to_thread(chunks.build, whole.rows)
        parts = [built.written[bound] for bound in sorted(built.written, reverse=True)]
        return Sendable(Stamp(f"db-{whole.position}", whole.position), len(whole.rows), parts)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with self._database.session() as session:
            pooled = await (await session.connection()).get_raw_connection()
            yield cast("Connection", pooled.driver_connection)


def _count(result: str) -> None:
    metrics.cache_requests_total.labels("work list", result).inc()
