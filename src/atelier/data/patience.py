"""Connections to PostgreSQL that wait for an answer so long and no longer.

A server that is frozen, or a network that swallows what is sent, breaks no connection: whoever
waits there would wait for ever, and the pool would have one connection less. So each wait for the
server has an end, after which the connection is closed; a pool replaces it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

T = TypeVar("T")

OF_REQUESTS: Final = 5.0  # seconds for a statement that a person or a program waits for
OF_SERVICES: Final = 60.0  # seconds for a statement of what goes on in the background
_OF_RESTING: Final = 2.0  # seconds for a connection that is asked whether it is still good
_OF_CANCELLING: Final = 0.5  # seconds
_LOOK_EVERY: Final = 0.1  # seconds, as psycopg itself has it

patience: Final[ContextVar[float | None]] = ContextVar("patience", default=None)
"""Seconds that a statement may take in this task; None, as in commands, is as long as it takes."""

TCP: Final[Mapping[str, Any]] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}
"""For each connection: a server whose machine is gone is noticed in seconds, not in hours."""


class Connection(psycopg.AsyncConnection[Any]):
    """Raises psycopg.OperationalError, and is closed, when the server has not answered in time."""

    resting = False
    """Whether it lies in a pool: who takes it out first asks whether it is still good."""

    async def wait(
        self, gen: PQGen[T], interval: float = _LOOK_EVERY, timeout: float | None = None
    ) -> T:
        """What psycopg waits for the server by."""
        limit = _OF_RESTING if self.resting else patience.get()
        try:
            async with asyncio.timeout(limit):
                # Without an interval it would look again and again, without a rest.
                return await waiting.wait_async(gen, self.pgconn.socket, interval, timeout)
        except asyncio.CancelledError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                await self._give_up()
            raise
        except TimeoutError:
            await self._give_up()
            raise psycopg.OperationalError(
                f"PostgreSQL has not answered within {limit:g} s"
            ) from None

    async def _give_up(self) -> None:
        # A server that is only busy, or holds a lock for somebody, need not go on with it.
        if psycopg.capabilities.has_cancel_safe():
            with suppress(psycopg.Error, TimeoutError, OSError):
                async with asyncio.timeout(_OF_CANCELLING):
                    await self.cancel_safe(timeout=_OF_CANCELLING)
        self.pgconn.finish()


async def connect(url: str, **options: Any) -> Connection:
    """A connection outside any pool, which sees in each statement what was committed before it.

    `options` are psycopg's and libpq's.
    """
    return await Connection.connect(url, autocommit=True, **TCP, **options)
