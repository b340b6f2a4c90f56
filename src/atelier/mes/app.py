"""The MES as an application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from atelier.mes import api, live, pages
from atelier.resources import Resources
from atelier.web.application import create_app
from atelier.web.rendering import Pages

_PAGES = Pages("mes", Path(__file__).parent / "templates")


def create(resources: Resources) -> FastAPI:
    """The MES on the given databases."""
    app = create_app("mes", resources, pages=_PAGES)
    app.include_router(pages.router)
    app.include_router(live.router)
    app.include_router(api.router)
    return app
