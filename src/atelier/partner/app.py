"""The partner API as an application, with its OpenAPI document and a page to read it on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from atelier.partner import api
from atelier.partner.documents import Problem
from atelier.resources import Resources
from atelier.web.application import create_app
from atelier.web.refusal import page
from atelier.web.rendering import Pages

_PAGES: Final = Pages("partner", Path(__file__).parent / "templates")

_DESCRIPTION: Final = """\
Order jewellery made from your own 3D models.

Every request carries your API key. An order is placed with a model and a metal and is accepted at \
once; its price is calculated meanwhile, within moments as a rule. When the state is \
`PRICE_CALCULATED`, confirm the order, and it goes to our workshop.

Errors are problem documents (RFC 9457). Decide by their `type`, show their `detail` to people. \
Money is a decimal string with two places, times are UTC."""


def create(resources: Resources) -> FastAPI:
    """The partner API on the given databases and file store."""
    app = create_app(
        "partner",
        resources,
        pages=_PAGES,
        title="Atelier partner API",
        version="1.0.0",
        description=_DESCRIPTION,
        openapi_url="/openapi.json",
    )
    app.include_router(api.router)
    plain = app.openapi

    def with_problems() -> dict[str, Any]:
        document = plain()
        _, definitions = models_json_schema(
            [(Problem, "serialization")], ref_template="#/components/schemas/{model}"
        )
        document["components"]["schemas"] |= definitions["$defs"]
        return document

    app.openapi = with_problems  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def reference(request: Request) -> Response:
        """The OpenAPI document for people; ours, since the usual viewers load scripts from afar."""
        return page(request, "reference.html", api=app.openapi())

    return app
