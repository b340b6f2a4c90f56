"""Reads requests before any route does: what no text can hold, and more than a body may have.

Every route of every service gets text that PostgreSQL can keep and UTF-8 can write, and never more
of it than a route without a file needs. A form with a file lifts the limit itself, once it is known
whose form it is.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.languages import gettext_lazy as _
from atelier.languages.figures import Figure
from atelier.web.refusal import Refusal, refusal_of_status, respond

NUL: Final = "\0"
LONGEST_TEXT: Final = 64 * 1024
"""Bytes that a body may have, where the route does not take a file."""

_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_CHARSET: Final = re.compile(r"charset[^=;]*+=\s*+([^;,]*+)", re.IGNORECASE)
_UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

_TOO_LARGE: Final = Refusal(
    413,
    "request-too-large",
    _("Too much text"),
    _(
        "Without a file, a request may hold at most %(most)s bytes.",
        most=Figure(LONGEST_TEXT),
    ),
)
_HALF_A_LETTER: Final = Refusal(
    400,
    "bad-request",
    _("Request not understood"),
    _(
        "A text in the request holds half of a letter (one of two surrogates) or a NUL, which no "
        "text can hold. It was probably cut in the middle of a sign such as an emoji."
    ),
)


class Meter:
    """How much of a request's body has been read, and how much may be."""

    def __init__(self) -> None:
        self.received = 0
        self.exceeded = False
        self._limit: int | None = LONGEST_TEXT

    def lift(self) -> None:
        """From here on somebody else counts."""
        self._limit = None

    def add(self, size: int) -> None:
        """Raises Refusal (413)."""
        self.received += size
        if self._limit is not None and self.received > self._limit:
            self.exceeded = True
            raise _TOO_LARGE


class UnreadableRequests:
    """ASGI middleware that refuses what routes cannot read, before they are asked.

    400 for characters that no text can hold, 413 for too large a body, 415 for an encoding that
    is not read here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not _is_host(Headers(scope=scope).get("host", "")):
            # Nothing is to make an address of it, the refusal neither.
            scope["headers"] = [each for each in scope["headers"] if each[0] != b"host"]
            refusal: Refusal | None = refusal_of_status(400)
        else:
            refusal = _refusal_of_head(scope)
        if refusal is not None:
            await respond(Request(scope, receive), refusal)(scope, receive, send)
            return
        await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        meter = scope.setdefault("state", {})["meter"] = Meter()

        async def metered() -> Message:
            message = await receive()
            meter.add(len(message.get("body", b"")))
            return message

        begun = False

        async def unless_exceeded(message: Message) -> None:
            nonlocal begun
            # Whoever reads may take the refusal for a document that is not valid.
            if begun or not meter.exceeded:
                begun = True
                await send(message)

        reading: Receive = metered
        try:
            if _may_be_json(Headers(scope=scope)):
                body, gone = await _whole(metered)
                if gone:
                    return
                if not is_text(body):
                    await respond(Request(scope, receive), _HALF_A_LETTER)(scope, receive, send)
                    return
                reading = _again(body, receive)
            await self._app(scope, reading, unless_exceeded)
        except Exception:
            if not meter.exceeded:
                raise
        if meter.exceeded and not begun:
            await respond(Request(scope, receive), _TOO_LARGE)(scope, receive, send)


def is_text(body: bytes) -> bool:
    """Whether all texts in the JSON of `body` can be kept; what is no JSON is others' business."""
    try:
        waiting: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return True
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str) and _NO_TEXT.search(each):
            return False
    return True


def lift_limit(request: Request) -> None:
    """The body of `request` may be longer than a text, since it is counted by whoever reads it."""
    meter: Meter | None = request.scope.get("state", {}).get("meter")
    if meter is not None:
        meter.lift()


def _refusal_of_head(scope: Scope) -> Refusal | None:
    headers = Headers(scope=scope)
    kind, announced = headers.get("content-type", ""), headers.get("content-length", "")
    if NUL in scope["path"] or b"%00" in scope.get("query_string", b""):
        return refusal_of_status(400)
    for charset in _CHARSET.findall(kind):
        if charset.strip(" \t\"'").lower() not in _UTF8:
            return Refusal(
                415,
                "unsupported-media-type",
                _("Not UTF-8"),
                _("Send all text in the coding UTF-8."),
            )
    # A form may have a file; it looks at the length itself.
    long = announced.isdecimal() and (len(announced) > 9 or int(announced) > LONGEST_TEXT)
    return _TOO_LARGE if long and not _is_multipart(kind) else None


def _is_host(host: str) -> bool:
    try:
        parts = urlsplit(f"http://{host}")
        return not host or (parts.netloc == host and (parts.port is None or parts.port >= 0))
    except ValueError:
        return False


def _is_multipart(kind: str) -> bool:
    return kind.lstrip().lower().startswith("multipart/")


def _may_be_json(headers: Headers) -> bool:
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    kind = headers.get("content-type", "").lower()
    return has_body and (not kind or "json" in kind)


async def _whole(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether its sender has gone before its end. Raises Refusal (413)."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body), True
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body), False


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives `body` once, and then what comes after it."""
    left = [body]

    async def again() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return again
