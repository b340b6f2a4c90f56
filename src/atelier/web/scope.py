"""What a request's application is and has: its service, its resources and its pages."""

from __future__ import annotations

from starlette.requests import Request

from atelier.resources import Resources
from atelier.web.rendering import Pages


def service_of(request: Request) -> str:
    """The name of the service that `request` came to."""
    service: str = request.app.state.service
    return service


def resources_of(request: Request) -> Resources:
    """The databases and stores of that service."""
    resources: Resources = request.app.state.resources
    return resources


def pages_of(request: Request) -> Pages | None:
    """Its pages; None when it speaks JSON only."""
    pages: Pages | None = request.app.state.pages
    return pages
