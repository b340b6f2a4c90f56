"""The FastAPI application that every service starts from."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.connections import Connections
from atelier.languages import gettext_lazy
from atelier.service import Service
from atelier.web import health, measures, sessions
from atelier.web.away import is_away, refusal_while_away
from atelier.web.choosing_language import SpokenLanguage
from atelier.web.headers import SecurityHeaders
from atelier.web.limits import within_limits
from atelier.web.origin import OriginCheck
from atelier.web.refusal import (
    UNDERSTOOD,
    Refusal,
    invalid_request,
    refusal_of,
    refusal_of_status,
    respond,
)
from atelier.web.rendering import STATIC, Pages
from atelier.web.telemetry import Telemetry, method_of, route_of
from atelier.web.time_limit import TimeLimit
from atelier.web.unreadable import UnreadableRequests

_log = structlog.get_logger("atelier.web")


def create_app(
    service: Service, connections: Connections, *, pages: Pages | None = None, **options: Any
) -> FastAPI:
    """An application with what all services have: health, errors, security headers, origin check.

    A service with `pages` serves static files too; one without answers every refusal as a problem
    document. `options` are FastAPI's.
    """
    app = FastAPI(
        title=service.title,
        **{"openapi_url": None, "docs_url": None, "redoc_url": None, **options},
        dependencies=[Depends(within_limits)],
        middleware=[
            Middleware(Telemetry, service=service.name),
            Middleware(SecurityHeaders),
            Middleware(SpokenLanguage),
            Middleware(UnexpectedErrors, service=service.name),
            Middleware(UnreadableRequests),
            Middleware(TimeLimit, limit=connections.settings.request_limit),
            Middleware(OriginCheck),
        ],
        exception_handlers=_handlers(),
    )
    app.state.service = service
    app.state.connections = connections
    app.state.pages = pages
    app.include_router(health.router)
    app.include_router(measures.router)
    if pages is not None:
        app.mount("/static", CachedFiles(directory=STATIC), name="static")
    return app


class CachedFiles(StaticFiles):
    """Static files that browsers keep: for good when the address names their content.

    A module is imported by other modules, by its bare address: browsers ask whether it is new.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope["query_string"].startswith(b"v="):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        elif path.endswith(".js"):
            # A module that another one imports: asked about each time, so that the two always fit.
            response.headers["Cache-Control"] = "public, no-cache"
        else:
            response.headers["Cache-Control"] = "public, max-age=3600"
        return response


class UnexpectedErrors:
    """ASGI middleware for our own faults: the log gets the error, the user a reference to it.

    That something is away is no fault: then the user is told when to come back.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            request = Request(scope, receive) if scope["type"] == "http" else None
            where = {"http.request.method": method_of(scope), "http.route": route_of(scope)}
            if is_away(error):
                _log.warning(
                    "request not possible now",
                    service=self._service,
                    reason=_kind_of(error),
                    **where,
                )
                refusal = None if request is None else refusal_while_away(request)
            else:
                reference = secrets.token_hex(4)
                _log.exception(
                    "request failed", service=self._service, reference=reference, **where
                )
                refusal = _unexpected(reference)
            if request is None or refusal is None or started:
                raise
            await respond(request, refusal)(scope, receive, send)


def _kind_of(error: Exception) -> str:
    # Without the error's text, which may hold what somebody searched for.
    cause = getattr(error, "orig", None) or error
    return type(cause).__name__


def _unexpected(reference: str) -> Refusal:
    return Refusal(
        500,
        "unexpected-error",
        gettext_lazy("Something went wrong on our side"),
        gettext_lazy(
            "It is our fault, not yours, and it has been recorded. If it happens again, "
            "tell us the reference %(reference)s.",
            reference=reference,
        ),
        extra={"reference": reference},
    )


def _handlers() -> dict[int | type[Exception], Callable[..., Coroutine[Any, Any, Response]]]:
    async def understood(request: Request, error: Exception) -> Response:
        return respond(request, refusal_of(error))

    async def bare(request: Request, error: HTTPException) -> Response:
        return respond(request, refusal_of_status(error.status_code, error.headers))

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return respond(request, _invalid(error))

    async def gone(_: Request, __: ClientDisconnect) -> Response:
        # Nobody reads this; it only keeps a closed lap-top from being logged as our error.
        return Response(status_code=400)

    return {
        **dict.fromkeys(UNDERSTOOD, understood),
        HTTPException: bare,
        RequestValidationError: invalid,
        ClientDisconnect: gone,
        sessions.SignInRequired: sessions.ask_to_sign_in,
    }


def _invalid(error: RequestValidationError) -> Refusal:
    faults = [
        {
            "where": ".".join(map(str, fault["loc"])),
            "code": fault["type"],
            "fault": fault["msg"],
        }
        for fault in error.errors()
    ]
    return invalid_request(faults)
