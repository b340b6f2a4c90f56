"""Refuses requests that another site made a browser send (cross-site request forgery).

Browsers say where a request comes from, in `Sec-Fetch-Site` or at least in `Origin`, and no page
can change what they say. So no form needs a token. Clients that are not browsers send neither
header and carry no cookies that somebody else could ride on: they pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from atelier.languages import gettext_lazy as _
from atelier.web.refusal import Refusal, respond

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_CROSS_SITE: Final = Refusal(
    403,
    "cross-site-request",
    _("Request from another site"),
    _(
        "This request was sent by a page of another site, so nothing was done. "
        "Open our own page and try again from there."
    ),
)


def is_cross_site(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser sent this for a page of another site. Header names are in lower case."""
    if method in _SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != headers.get("host")
    except ValueError:  # no address at all, so not ours
        return True


class OriginCheck:
    """ASGI middleware that answers 403 to what `is_cross_site` finds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            if is_cross_site(request.method, request.headers):
                await respond(request, _CROSS_SITE)(scope, receive, send)
                return
        await self._app(scope, receive, send)
