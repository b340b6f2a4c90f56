"""Refuses addresses with a NUL in them: PostgreSQL takes it in no text, and nobody means it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from atelier.web.refusal import refusal_of_status, respond

NUL: Final = "\0"


class PlainAddresses:
    """ASGI middleware: 400 for a path or a query with a NUL."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (
            NUL in scope["path"] or b"%00" in scope.get("query_string", b"")
        ):
            request = Request(scope, receive)
            await respond(request, refusal_of_status(400))(scope, receive, send)
        else:
            await self._app(scope, receive, send)
