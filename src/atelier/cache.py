"""The connection to Redis that the services of a process share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import AbstractConnection, UnixDomainSocketConnection, parse_url
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

CACHE_GONE: Final = (RedisError, OSError)
"""What a call raises while Redis is away, in whatever way."""

_PATIENCE: Final = 0.5  # seconds


class _LosesConnections(AbstractConnection):
    """uvloop says RuntimeError of a connection that Redis has closed, which nobody expects."""

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        try:
            await super().send_packed_command(*args, **options)
        except RuntimeError as error:
            raise ConnectionLost("the connection to Redis is closed") from error


class _Plain(_LosesConnections, Connection): ...


class _Encrypted(_LosesConnections, SSLConnection): ...


class _Local(_LosesConnections, UnixDomainSocketConnection): ...


_OURS: Final[Mapping[Any, type[AbstractConnection]]] = {
    None: _Plain,  # redis-py names none for redis://
    SSLConnection: _Encrypted,
    UnixDomainSocketConnection: _Local,
}


def cache_at(url: str) -> Redis:
    """Connects when it is first used, by redis://, rediss:// or unix://.

    Whatever is away, its calls raise one of `CACHE_GONE`.
    """
    # Given as it is, the class of connection would be that of the scheme, which wins in redis-py.
    named: dict[str, Any] = dict(parse_url(url))
    ours = _OURS[named.pop("connection_class", None)]
    limits = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE}
    return Redis.from_pool(ConnectionPool(ours, **{**limits, **named}))
