"""The partner API as an application, with its OpenAPI document and a page to read it on; and what
runs of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from atelier.connections import Connections
from atelier.languages import ENGLISH, speaking
from atelier.partner import SERVICE, api, estimates_api, keys_api
from atelier.partner.access import RateLimitHeaders
from atelier.partner.limits import RateLimiter
from atelier.partner.reference import examples, limits_in_words
from atelier.partner.webhooks import api as webhooks_api
from atelier.partner.webhooks import endpoints, message
from atelier.partner.webhooks.sender import WebhookSender
from atelier.parts import Parts
from atelier.web.application import create_app
from atelier.web.openapi import serve_openapi
from atelier.web.refusal import page
from atelier.web.rendering import Pages
from atelier.web.sessions import see_other

_PAGES: Final = Pages(SERVICE, Path(__file__).parent / "templates")

_DESCRIPTION: Final = """\
Order jewellery made from your own 3D models.

Every request carries your API key. An order is placed with a model, a metal and a finish and is \
accepted at once; its price is calculated meanwhile, within moments as a rule. When the state is \
`PRICE_CALCULATED`, confirm the order with the address that we send it to, and it goes to our \
workshop. You need not ask how far it is: add a webhook, and we tell you of each step.

Errors are problem documents (RFC 9457). Decide by their `code` (or `type`), show their `detail` \
to people: it is in English or Russian, as `Accept-Language` wishes. \
Money is a decimal string with two places, times are UTC.

You may send a number of requests at once, more as time goes by, and so many a day. The headers \
`RateLimit-Policy` and `RateLimit` of every answer say how many and what is left; whoever sends \
more is answered with 429, and `Retry-After` says in how many seconds to go on."""

_TAGS: Final = [
    {"name": "Orders", "description": "From the model to the shipped piece."},
    {"name": "Estimates", "description": "What a piece would cost, without an order."},
    {"name": "Webhooks", "description": "Be told of each step of your orders."},
    {
        "name": "Keys",
        "description": "Change your API key whenever you like: make another, use it, and revoke "
        "the old one. A webhook's signing secret is changed with the webhook: add another for the "
        "same address, and delete the old one.",
    },
]


def create(connections: Connections) -> FastAPI:
    """The partner API on the given databases and file store."""
    app = create_app(
        SERVICE,
        connections,
        pages=_PAGES,
        version="1.0.0",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        openapi_url="/openapi.json",
    )
    app.state.limiter = RateLimiter(connections.cache)
    app.add_middleware(RateLimitHeaders)
    for routes in (api.router, estimates_api.router, webhooks_api.router, keys_api.router):
        app.include_router(routes)
    app.webhooks.include_router(message.router)
    serve_openapi(app)

    @app.get("/docs", include_in_schema=False)
    async def reference(request: Request) -> Response:
        """The OpenAPI document for people; ours, since the usual viewers load scripts from afar."""
        with speaking(ENGLISH):  # as the document itself is
            return page(
                request,
                "reference.html",
                api=app.openapi(),
                settings=connections.settings,
                examples=examples(str(request.base_url).rstrip("/")),
                limits_in_words=limits_in_words,
            )

    @app.get("/", include_in_schema=False)
    async def start_page() -> Response:
        """Leads to the reference."""
        return see_other("/docs")

    return app


def parts(connections: Connections) -> Parts:
    """Its API, the consumer that makes webhooks of events, and the sender of webhooks."""
    return Parts(
        application=partial(create, connections),
        handlers={"partner.events": endpoints.handle},
        workers=(WebhookSender(connections.shop, connections.settings),),
    )
