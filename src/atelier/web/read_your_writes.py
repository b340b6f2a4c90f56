"""What somebody has changed they see changed, on whichever server they read next.

The position of their change in the primary's log goes with the answer that acknowledges it, as a
signed cookie, and comes back with their next request, whichever process takes it. There is no
store that could be lost or late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.data.database import Database
from atelier.data.routing import EVERYTHING
from atelier.security import SESSION_SECONDS
from atelier.web.away import is_away
from atelier.web.scope import connections_of, service_of

_POSITION: Final = "written_up_to"

_log = structlog.get_logger("atelier.web")


@asynccontextmanager
async def writing(request: Request, database: Database) -> AsyncIterator[AsyncSession]:
    """A transaction on the primary of which this person sees the outcome in all that they read
    from now on, whether it was committed or refused: `written_before` knows the position."""
    # Whoever has waited for it in vain does not wait a second time.
    away = False
    try:
        async with database.session() as session:
            yield session
    except Exception as error:
        away = is_away(error)
        raise
    finally:
        position = EVERYTHING if away else await _position(database)
        setattr(request.state, _POSITION, position)


async def _position(database: Database) -> int:
    try:
        return await database.position()
    except (SQLAlchemyError, OSError) as error:
        # It may have been committed all the same, so no replica is good enough.
        _log.warning("position unknown", error=type(error).__name__)
        return EVERYTHING


def written_before(request: Request) -> int:
    """The position that this person's reads must have: that of their last change, or 0."""
    position: int | None = getattr(request.state, _POSITION, None)
    return _read(request) if position is None else position


class ReadYourWrites:
    """ASGI middleware that sends the position of what a request has written back with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_position(message: Message) -> None:
            position = scope.get("state", {}).get(_POSITION)
            if message["type"] == "http.response.start" and position is not None:
                cookie = _cookie(Request(scope), position)
                message = {**message, "headers": [*message.get("headers", ()), cookie]}
            await send(message)

        await self._app(scope, receive, send_position if scope["type"] == "http" else send)


def _cookie(request: Request, position: int) -> tuple[bytes, bytes]:
    carrier = Response()
    carrier.set_cookie(
        _name(request),
        _serializer(request).dumps(position),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return b"set-cookie", carrier.headers["set-cookie"].encode()


def _read(request: Request) -> int:
    try:
        position = _serializer(request).loads(request.cookies.get(_name(request), ""))
    except BadSignature:
        return 0
    return position if isinstance(position, int) else 0


def _name(request: Request) -> str:
    return f"{service_of(request).cookie}_written"


def _serializer(request: Request) -> URLSafeSerializer:
    salt = f"atelier.written.{service_of(request).name}"
    return URLSafeSerializer(connections_of(request).settings.secret_key, salt=salt)
