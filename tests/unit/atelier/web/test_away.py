"""What is told as 503: that something is away, and nothing else. And no request without an end."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import psycopg
import pytest
import redis.exceptions
from psycopg import errors
from sqlalchemy import exc
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from atelier.data.patience import OF_REQUESTS, patience
from atelier.storage.blob_store import StoreUnavailable
from atelier.web.away import is_away, refusal_while_away
from atelier.web.time_limit import TimeLimit

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def from_the_driver(error: psycopg.Error) -> exc.DBAPIError:
    """As SQLAlchemy passes it on."""
    return exc.DBAPIError("SELECT 1", None, error)


@pytest.mark.parametrize(
    "error",
    [
        errors.AdminShutdown(),
        errors.CrashShutdown(),
        errors.CannotConnectNow(),
        errors.TooManyConnections(),
        errors.ConnectionTimeout(),
        errors.ConnectionFailure(),
        errors.QueryCanceled(),
        errors.LockNotAvailable(),
        errors.DeadlockDetected(),
        errors.SerializationFailure(),
        errors.DiskFull(),
        errors.OutOfMemory(),
        errors.ReadOnlySqlTransaction(),
        psycopg.OperationalError("the connection is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_postgresql_is_away_in_many_ways(error: psycopg.Error) -> None:
    assert is_away(error)
    assert is_away(from_the_driver(error))


@pytest.mark.parametrize(
    "error",
    [
        exc.TimeoutError("no connection free"),
        exc.PendingRollbackError("the connection was lost before"),
        exc.DBAPIError("SELECT 1", None, Exception("?"), connection_invalidated=True),
        redis.exceptions.ConnectionError(),
        redis.exceptions.BusyLoadingError(),
        redis.exceptions.ReadOnlyError(),
        ConnectionRefusedError(),
        BrokenPipeError(),
        TimeoutError(),
        StoreUnavailable(),
        ExceptionGroup("several at once", [TimeoutError(), ConnectionResetError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_so_are_others(error: Exception) -> None:
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        from_the_driver(errors.UniqueViolation()),
        from_the_driver(errors.UndefinedColumn()),
        from_the_driver(errors.NumericValueOutOfRange()),
        from_the_driver(errors.StatementTooComplex()),
        exc.InvalidRequestError(),
        KeyError(),
        FileNotFoundError(),
        ExceptionGroup("ours among others", [TimeoutError(), KeyError()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_of_ours_is_not_hidden(error: Exception) -> None:
    assert not is_away(error)


SCOPE: MutableMapping[str, Any] = {"type": "http"}


async def ask(
    app: Any, limit: float, *, body_takes: float = 0.0
) -> tuple[list[Message], Exception | None]:
    """What `app` answers behind a time limit, and what it raises."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(body_takes)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    try:
        await TimeLimit(app, limit)(SCOPE, receive, send)
    except TimeoutError as error:
        return sent, error
    return sent, None


async def test_a_request_that_waits_for_ever_is_given_up() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.Event().wait()

    sent, error = await ask(app, 0.01)

    assert isinstance(error, TimeoutError)
    assert sent == []


async def test_a_slow_sender_and_a_long_answer_are_not() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start"})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body"})

    sent, error = await ask(app, 0.1, body_takes=0.2)

    assert error is None
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_statements_of_a_request_have_less_time_than_those_of_commands() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(patience.get())

    await ask(app, 20)
    await ask(app, 2)

    assert seen == [OF_REQUESTS, 0.5]


@pytest.mark.parametrize(("method", "is_told"), [("GET", False), ("POST", True), ("DELETE", True)])
def test_who_wanted_a_change_is_told_that_it_may_be_done(method: str, is_told: bool) -> None:
    refusal = refusal_while_away(Request({"type": "http", "method": method, "headers": []}))

    assert refusal.status == 503
    assert ("look before you send it once more" in str(refusal.detail)) == is_told
