"""The shop as an application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from atelier.resources import Resources
from atelier.shop import accounts, catalogue, confirmation, order_models, pages, profile, studio
from atelier.web.application import create_app
from atelier.web.rendering import Pages

_PAGES = Pages("shop", Path(__file__).parent / "templates")


def create(resources: Resources) -> FastAPI:
    """The shop on the given databases and file store."""
    app = create_app("shop", resources, pages=_PAGES)
    app.include_router(accounts.router)
    for part in (pages, profile, confirmation, catalogue, studio, order_models):
        app.include_router(part.router)
    return app
