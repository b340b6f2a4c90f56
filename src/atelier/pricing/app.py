"""Pricing's application. Its work arrives by message; see `atelier.usecases.price_requests`."""

from __future__ import annotations

from fastapi import FastAPI

from atelier.resources import Resources
from atelier.web.application import create_app
from atelier.web.openapi import serve_openapi


def create(resources: Resources) -> FastAPI:
    """Pricing's application on the given resources."""
    app = create_app("pricing", resources, title="Atelier pricing", openapi_url="/openapi.json")
    serve_openapi(app, routes_under="/health/")
    return app
