"""The connection to Redis that the services of a process share."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Connection, Redis
from redis.exceptions import ConnectionError as ConnectionLost

_PATIENCE: Final = 0.5  # seconds


class _Connection(Connection):
    """uvloop says RuntimeError of a connection that Redis has closed, which nobody expects."""

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        try:
            await super().send_packed_command(*args, **options)
        except RuntimeError as error:
            raise ConnectionLost("the connection to Redis is closed") from error


def cache_at(url: str) -> Redis:
    """Connects when it is first used. Whatever is away, its calls raise RedisError or OSError."""
    return Redis.from_url(
        url,
        connection_class=_Connection,
        socket_timeout=_PATIENCE,
        socket_connect_timeout=_PATIENCE,
    )
