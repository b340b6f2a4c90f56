"""Which language a request is answered in, and the way to choose another.

It is the account's, for whoever is signed in and has chosen one; else the one that the link asks
for, as those of letters do; else the one chosen in this browser; else the first that the browser
asks for and we speak; else English.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.connections import Connections
from atelier.data.database import Database
from atelier.languages import ENGLISH, LANGUAGES, PARAMETER, gettext_lazy, language, speaking
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of, service_of
from atelier.web.sessions import Person, path_or, recognised, see_other

COOKIE: Final = "atelier_language"
_KEPT: Final = 365 * 24 * 60 * 60  # seconds
_LONGEST_HEADER: Final = 500  # characters; a browser with all its languages sends a hundred

_UNKNOWN: Final = Refusal(
    422,
    "unknown-language",
    gettext_lazy("We do not speak this language"),
    gettext_lazy("Choose one of those at the top of the page."),
)


class SpokenLanguage:
    """ASGI middleware that speaks the language of the link or else of the browser.

    Signing in may change it. What a link asks for is remembered as if it had been chosen on the
    page, unless the account speaks another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        asked = of_link(request)
        with speaking(asked or of_browser(request)):
            await self._app(scope, receive, _remembering(request, asked, send) if asked else send)


def _remembering(request: Request, asked: str, send: Send) -> Send:
    async def send_and_remember(message: Message) -> None:
        if message["type"] == "http.response.start" and language() == asked:
            headers = MutableHeaders(scope=message)
            # What says itself how it may be kept, such as a style sheet, is no page.
            if "cache-control" not in headers:
                remembering = Response()
                keep_in_browser(request, remembering, asked)
                headers.append("set-cookie", remembering.headers["set-cookie"])
        await send(message)

    return send_and_remember


def of_link(request: Request) -> str | None:
    """The language that a link asks for, where we speak it."""
    asked = request.query_params.get(PARAMETER) if request.method == "GET" else None
    return asked if asked in LANGUAGES else None


def of_browser(request: Request) -> str:
    """The language that was chosen in this browser, or else the one that it prefers."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The language that `Accept-Language` (RFC 9110, section 12.5.4) wants most and that we speak.

    >>> preferred("de-DE,de;q=0.9,ru;q=0.8,en;q=0.7")
    'ru'
    """
    wanted = []
    for entry in header[:_LONGEST_HEADER].split(","):
        name, _, weight = entry.partition(";")
        code = name.strip().lower().partition("-")[0]
        if code in LANGUAGES:
            wanted.append((_quality(weight), code))
    # The first of those that are wanted alike: `max` keeps it.
    quality, best = max(wanted, key=lambda each: each[0], default=(0.0, ENGLISH))
    return best if quality > 0 else ENGLISH


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        quality = float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


def keep_in_browser(request: Request, response: Response, code: str) -> None:
    """Has the browser remember the language `code` for whoever is not signed in."""
    response.set_cookie(
        COOKIE,
        code,
        max_age=_KEPT,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def choice_routes(
    people: type[Person],
    database: Callable[[Connections], Database],
) -> APIRouter:
    """`POST /language`: keeps `language` in the browser, and for whoever of `people` is signed in,
    in the account, too; then leads back to the page `next`."""
    router = APIRouter(include_in_schema=False)

    @router.post("/language")
    async def choose(request: Request) -> Response:
        async with form(request) as fields:
            chosen, back = text(fields, "language"), text(fields, "next")
        if chosen not in LANGUAGES:
            raise _UNKNOWN
        accounts = database(connections_of(request))
        person = await recognised(request, accounts, people)
        if person is not None:
            async with accounts.session() as session:
                await session.execute(
                    sa.update(people).where(people.id == person.id).values(language=chosen)
                )
        response = see_other(path_or(back, service_of(request).home))
        keep_in_browser(request, response, chosen)
        return response

    return router
