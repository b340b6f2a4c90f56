"""The CRM as an application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from atelier.crm import api, pages
from atelier.resources import Resources
from atelier.web.application import create_app
from atelier.web.openapi import STAFF_PROBLEMS, problem_responses, serve_openapi
from atelier.web.read_your_writes import OwnWrites
from atelier.web.rendering import Pages

_PAGES = Pages("crm", Path(__file__).parent / "templates")


def create(resources: Resources) -> FastAPI:
    """The CRM on the given databases."""
    app = create_app(
        "crm",
        resources,
        pages=_PAGES,
        title="Atelier CRM",
        description="Orders, for sellers who have signed in.",
        openapi_url="/openapi.json",
    )
    app.add_middleware(OwnWrites)
    app.include_router(pages.router)
    app.include_router(api.router, responses=problem_responses(STAFF_PROBLEMS))
    serve_openapi(app, cookie="atelier_crm")
    return app
