"""The CRM as an application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from atelier.crm import api, pages
from atelier.resources import Resources
from atelier.web.application import create_app
from atelier.web.own_writes import OwnWrites
from atelier.web.rendering import Pages

_PAGES = Pages("crm", Path(__file__).parent / "templates")


def create(resources: Resources) -> FastAPI:
    """The CRM on the given databases."""
    app = create_app("crm", resources, pages=_PAGES)
    app.add_middleware(OwnWrites)
    app.include_router(pages.router)
    app.include_router(api.router)
    return app
