"""What every request leaves behind: a span, a count and a time, and a line in the log.

All three name the route's template, never the path or the query: people type names and addresses
into those.
"""

from __future__ import annotations

import time
from typing import Final

import structlog
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.telemetry import metrics, tracing

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNMATCHED: Final = "unmatched"
# Asked every few seconds by machines.
_QUIET: Final = ("/health/", "/metrics")

_log = structlog.get_logger("atelier.access")


def route_of(scope: Scope) -> str:
    """The template of the route that answers the request, such as `/orders/{number}`."""
    if "route" in scope:
        return str(getattr(scope["route"], "path", _UNMATCHED))
    # Files are of a mounted application, which has no routes.
    return "/static/{path}" if scope.get("root_path") == "/static" else _UNMATCHED


def method_of(scope: Scope) -> str:
    """The request's method; one that HTTP does not know may be any text."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


class Telemetry:
    """ASGI middleware around all others."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tracing.work_for(self._service)
        if scope["path"].startswith(_QUIET):
            await self._measured(scope, receive, send)
            return
        method = method_of(scope)
        with tracing.span(
            method,
            SpanKind.SERVER,
            caused_by=_caller(scope),
            attributes={"http.request.method": method, "url.scheme": scope["scheme"]},
        ) as span:
            started = time.perf_counter_ns()
            status = await self._measured(scope, receive, send)
            _describe(span, scope, status)
            _log.info(
                "request answered",
                **{
                    "event.kind": "event",
                    "event.category": ["web"],
                    "event.outcome": "failure" if status >= 500 else "success",
                    "event.duration": time.perf_counter_ns() - started,
                    "http.request.method": method,
                    "http.response.status_code": status,
                    "http.route": route_of(scope),
                },
            )

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> int:
        """The status that was answered; 499 when nobody waited for the answer."""
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        with metrics.http_requests_in_progress.labels(self._service).track_inprogress():
            try:
                await self._app(scope, receive, watched)
            except Exception:
                status = 500
                raise
            finally:
                labels = (self._service, method_of(scope), route_of(scope))
                metrics.http_requests_total.labels(*labels, status or 499).inc()
                metrics.http_request_seconds.labels(*labels).observe(time.perf_counter() - started)
        return status or 499


def _describe(span: Span, scope: Scope, status: int) -> None:
    route = route_of(scope)
    span.update_name(f"{method_of(scope)} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _caller(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            found: str = value.decode("latin-1")
            return found
    return None
