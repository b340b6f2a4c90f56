"""What a request's application is and has: its service, connections and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

from atelier.connections import Connections
from atelier.languages import PARAMETER
from atelier.running import Running
from atelier.service import Service

if TYPE_CHECKING:
    from atelier.web.rendering import Pages  # which asks for the scope itself


def service_of(request: Request) -> Service:
    """The service that `request` came to."""
    service: Service = request.app.state.service
    return service


def connections_of(request: Request) -> Connections:
    """The databases, broker, cache and files of its process."""
    connections: Connections = request.app.state.connections
    return connections


def running_of(request: Request) -> Running:
    """All services of this process."""
    running: Running = request.app.state.running
    return running


def pages_of(request: Request) -> Pages | None:
    """Its pages; None when it speaks JSON only."""
    pages: Pages | None = request.app.state.pages
    return pages


def address_of(request: Request) -> str:
    """Path and query, to lead back here. Without the language that a link asked for: it was heard,
    and whoever chooses another on the page comes back to it."""
    url = request.url
    if PARAMETER in request.query_params:
        url = url.remove_query_params(PARAMETER)
    return url.path + (f"?{url.query}" if url.query else "")
