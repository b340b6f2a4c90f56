"""The MES as an application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from atelier.mes import api, list_stream, pages
from atelier.resources import Resources
from atelier.web.application import create_app
from atelier.web.openapi import STAFF_PROBLEMS, problem_responses, serve_openapi
from atelier.web.rendering import Pages

_PAGES = Pages("mes", Path(__file__).parent / "templates")


def create(resources: Resources) -> FastAPI:
    """The MES on the given databases."""
    app = create_app(
        "mes",
        resources,
        pages=_PAGES,
        title="Atelier MES",
        description="Work, for operators who have signed in.",
        openapi_url="/openapi.json",
    )
    app.include_router(pages.router)
    app.include_router(list_stream.router)
    app.include_router(api.router, responses=problem_responses(STAFF_PROBLEMS))
    serve_openapi(app, cookie="atelier_mes")
    return app
