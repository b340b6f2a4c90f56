"""The connection to Redis: the same whatever the address is like."""

from __future__ import annotations

from typing import Any, cast

import pytest
import redis.exceptions
from redis.asyncio.connection import AbstractConnection

from atelier.cache import CACHE_GONE, cache_at

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class ClosedTransport:
    """What uvloop has for a connection that the other side has closed."""

    def writelines(self, _: object) -> None:
        raise RuntimeError("unable to perform operation on a closed transport")

    def close(self) -> None: ...


def connection_to(url: str) -> AbstractConnection:
    pool: Any = cache_at(url).connection_pool
    return cast("AbstractConnection", pool.make_connection())


@pytest.mark.parametrize(
    "url", ["redis://jeweller:s3cret@cache/4", "rediss://jeweller:s3cret@cache/4", "unix:///s?db=4"]
)
async def test_a_connection_that_redis_has_closed_is_lost(url: str) -> None:
    connection: Any = connection_to(url)
    connection._reader, connection._writer = object(), ClosedTransport()

    with pytest.raises(redis.exceptions.ConnectionError, match="closed") as caught:
        await connection.send_packed_command(b"PING", check_health=False)

    assert isinstance(caught.value, CACHE_GONE)


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_an_address_says_where_and_as_whom_and_whether_encrypted(scheme: str) -> None:
    connection: Any = connection_to(f"{scheme}://jeweller:s3cret@cache:6380/4")

    assert (connection.host, connection.port, connection.db) == ("cache", 6380, 4)
    assert (connection.username, connection.password) == ("jeweller", "s3cret")
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (0.5, 0.5)
    assert hasattr(connection, "ssl_context") is (scheme == "rediss")
    if scheme == "rediss":
        assert connection.check_hostname


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="rediss://"):
        cache_at("http://cache")
