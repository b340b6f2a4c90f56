"""What a service's OpenAPI document says of its JSON routes, and how refusals are told in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from atelier.web.refusal import PROBLEM_MEDIA_TYPE

Told = tuple[str, tuple[str, ...]]
"""A status in words, and the slugs of the problems that it is answered with."""


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    code: str = Field(
        description="The kind of fault in one word, for programs: mostly pydantic's `type`.",
        examples=["missing"],
    )
    fault: str = Field(description="For people.")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(
        description="Names the kind of problem; programs decide by it.",
        examples=["urn:atelier:problem:unknown-metal"],
    )
    code: str = Field(
        description="The end of `type`, for programs that decide by a word.",
        examples=["unknown-metal"],
    )
    title: str = Field(description="For people, in the language of `Accept-Language`.")
    status: int
    detail: str = Field(description="What was expected, what was found and what to do, for people.")
    instance: str = Field(description="The path of the request.")
    errors: list[Fault] | None = Field(default=None, description="For invalid requests only.")


AWAY: Final[Told] = (
    "A part of our system does not answer. `Retry-After` says when to try again.",
    ("not-possible-now",),
)
"""What any route can answer."""

STAFF_PROBLEMS: Final[Mapping[int, Told]] = {
    400: ("The request cannot be read.", ("bad-request",)),
    401: ("The request carries no valid session cookie.", ("sign-in-required",)),
    404: (
        "There is no such order, or it has not what was asked for.",
        ("order-not-found", "no-model", "no-picture"),
    ),
    409: (
        "The order's state does not allow this, or somebody else has it.",
        ("forbidden-transition", "already-taken", "address-missing", "address-fixed"),
    ),
    413: ("The document is too large.", ("request-too-large",)),
    415: ("The text is not in UTF-8.", ("unsupported-media-type",)),
    422: ("Something in the request is not valid.", ("invalid-request",)),
    429: ("This was asked for too often; `Retry-After` says when to go on.", ("too-often",)),
    503: AWAY,
}
"""What the APIs for our own people refuse."""


def problem_responses(
    told: Mapping[int, Told], headers: Mapping[str, Any] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can answer these problems, with an example for each type."""
    return {status: _response(status, *words, headers) for status, words in told.items()}


def _response(
    status: int, description: str, slugs: tuple[str, ...], headers: Mapping[str, Any] | None
) -> dict[str, Any]:
    examples = {
        slug: {
            "value": {
                "type": f"urn:atelier:problem:{slug}",
                "code": slug,
                "title": slug.replace("-", " ").capitalize(),
                "status": status,
                "detail": description,
                "instance": "/api/…",
            }
        }
        for slug in slugs
    }
    return {
        "description": description,
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": examples,
            }
        },
        **({"headers": dict(headers)} if headers else {}),
    }


def describe(
    app: FastAPI, *, routes_under: str = "/api/", cookie: str | None = None
) -> dict[str, Any]:
    """The OpenAPI document of the routes whose path begins like this.

    With a `cookie`, that session cookie is what opens them.
    """
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        tags=app.openapi_tags,
        routes=[
            route
            for route in iter_route_contexts(app.routes)
            if (route.path or "").startswith(routes_under)
        ],
        webhooks=app.webhooks.routes,
    )
    components = document.setdefault("components", {})
    _, definitions = models_json_schema(
        [(Problem, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas = components.setdefault("schemas", {})
    schemas |= definitions["$defs"]
    # FastAPI's own description of invalid requests, in place of which ours is answered.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    if cookie is not None:
        components["securitySchemes"] = {
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": cookie,
                "description": "The session that signing in at /sign-in begins.",
            }
        }
        document["security"] = [{"session": []}]
    return document


def serve_openapi(app: FastAPI, *, routes_under: str = "/api/", cookie: str | None = None) -> None:
    """Have `app` answer the document of its JSON routes at /openapi.json."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app, routes_under=routes_under, cookie=cookie)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
