"""Tells the open pages of this process what changes in the list, within a moment.

Every process asks PostgreSQL itself, which tells all of them of each commit: nothing lies between
a change and the pages that could be lost, full, or away.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
import structlog

from atelier.data.patience import connect
from atelier.mes.listing import changes, projector, rows
from atelier.mes.listing.changes import Changes, Connection, Mark
from atelier.mes.listing.rows import Row
from atelier.mes.listing.source import Source
from atelier.messaging.backoff import Backoff
from atelier.telemetry import metrics

log = structlog.get_logger(__name__)

_LOOK_EVERY: Final = 1.0  # seconds; a notification comes earlier
_WAITING: Final = 200
"""Messages that a page may be behind; one that is further behind connects again and catches up."""

Message = bytes | None
"""As it goes over the wire; None ends the stream."""


@dataclass(frozen=True)
class OperatorSession:
    """An operator's session: valid while the account is there, with this version."""

    operator_id: UUID
    version: int


_VALID: Final = "SELECT id, session_version FROM operator WHERE id = ANY(%s)"


class Feed:
    """Open pages subscribe. `run()` until cancelled; then every stream ends."""

    def __init__(self, url: str, source: Source) -> None:
        """`url` is the `postgresql://…` of the `mes` database."""
        self._url = url
        self._source = source
        self._pages: dict[asyncio.Queue[Message], OperatorSession] = {}
        self._looked_at_sessions = -math.inf

    @contextmanager
    def subscribed(self, session: OperatorSession) -> Iterator[asyncio.Queue[Message]]:
        """What is told from now on, until the session ends."""
        page: asyncio.Queue[Message] = asyncio.Queue(_WAITING)
        self._pages[page] = session
        try:
            with metrics.live_pages.labels("mes").track_inprogress():
                yield page
        finally:
            self._pages.pop(page, None)

    async def run(self) -> None:
        looking = asyncio.create_task(self._look_for_the_read_model())
        backoff = Backoff()
        position: int | None = None
        try:
            while True:
                try:
                    async with await connect(self._url) as connection:
                        await connection.execute(f"LISTEN {changes.CHANNEL}".encode())
                        if position is None:
                            position = await changes.position(connection)
                            # Pages that came before may have read the list before it, too.
                            self.tell(anew_message(position))
                        told: frozenset[Mark] = frozenset()
                        while True:
                            found = await changes.since(connection, position)
                            if (message := _message(found, told)) is not None:
                                self.tell(message)
                            position, told = found.position, frozenset(found.marks)
                            await self._end_sessions(connection)
                            backoff.reset()
                            await projector.gathered(connection, _LOOK_EVERY)
                except psycopg.Error as error:
                    log.warning("feed interrupted", reason=type(error).__name__)
                except Exception:
                    log.exception("feed failed")
                await backoff.pause()
        finally:
            looking.cancel()
            self._tell_all_goodbye()

    async def _end_sessions(self, connection: Connection) -> None:
        """Let go the pages of operators who have signed out or lost their account."""
        if not self._pages or time.monotonic() - self._looked_at_sessions < _LOOK_EVERY:
            return
        asked = dict(self._pages)
        people = list({session.operator_id for session in asked.values()})
        valid = {
            OperatorSession(*row)
            for row in await (await connection.execute(_VALID, [people])).fetchall()
        }
        self._looked_at_sessions = time.monotonic()
        for page, session in asked.items():
            if session not in valid:
                self._end(page)

    async def _look_for_the_read_model(self) -> None:
        told: bool | None = None
        while True:
            if (fast := await self._source.look_for_the_read_model()) is not told:
                self.tell(source_message(fast))
                told = fast
            await asyncio.sleep(_LOOK_EVERY)

    def tell(self, message: bytes) -> None:
        """All pages. One that has not read for long is let go."""
        for page in list(self._pages):
            try:
                page.put_nowait(message)
            except asyncio.QueueFull:
                self._end(page)

    def _tell_all_goodbye(self) -> None:
        for page in list(self._pages):
            self._end(page)

    def _end(self, page: asyncio.Queue[Message]) -> None:
        self._pages.pop(page, None)
        with suppress(asyncio.QueueFull):
            while page.full():
                page.get_nowait()
            page.put_nowait(None)


def changes_message(position: int, changed: Sequence[Row]) -> bytes:
    """Rows that are new, are otherwise now, or have left the list."""
    data = f'{{"position":{position},"rows":{rows.to_json(changed).decode()}}}'
    return f"event: changes\nid: {position}\ndata: {data}\n\n".encode()


def anew_message(position: int) -> bytes:
    """More has changed than is worth telling: the list is to be loaded anew."""
    return f"event: anew\nid: {position}\ndata: {{}}\n\n".encode()


def source_message(fast: bool) -> bytes:
    """Whether the list comes from the read model or from the database."""
    return f"event: source\ndata: {json.dumps({'fast': fast})}\n\n".encode()


def _message(found: Changes, told: frozenset[Mark]) -> bytes | None:
    if found.rows is None:
        return anew_message(found.position)
    news = [row for row, mark in zip(found.rows, found.marks, strict=True) if mark not in told]
    return changes_message(found.position, news) if news else None
