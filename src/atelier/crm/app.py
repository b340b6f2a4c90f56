"""The CRM as an application, and what runs of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fastapi import FastAPI

from atelier.admin.reconciler import Reconciler
from atelier.admin.reconciliation import Systems
from atelier.connections import Connections
from atelier.crm import SERVICE, api, pages
from atelier.crm.service import AttentionCount
from atelier.data.shop import Seller
from atelier.parts import Parts, Worker
from atelier.usecases.overdue import OverdueCheck
from atelier.web.application import create_app
from atelier.web.choosing_language import choice_routes
from atelier.web.openapi import STAFF_PROBLEMS, problem_responses, serve_openapi
from atelier.web.read_your_writes import ReadYourWrites
from atelier.web.rendering import Pages

_PAGES = Pages(SERVICE, Path(__file__).parent / "templates")


def create(connections: Connections) -> FastAPI:
    """The CRM on the given databases."""
    app = create_app(
        SERVICE,
        connections,
        pages=_PAGES,
        description="Orders, for sellers who have signed in.",
        openapi_url="/openapi.json",
    )
    app.state.attention = AttentionCount()
    app.add_middleware(ReadYourWrites)
    app.include_router(choice_routes(Seller, lambda connections: connections.shop))
    app.include_router(pages.router)
    app.include_router(api.router, responses=problem_responses(STAFF_PROBLEMS))
    serve_openapi(app, cookie=SERVICE.cookie)
    return app


def parts(connections: Connections) -> Parts:
    """Its pages and API, the check for overdue orders, and the reconciler, if settings want it."""
    settings = connections.settings
    workers: list[Worker] = [OverdueCheck(connections.shop, every=settings.overdue_every)]
    if settings.reconcile_every:
        systems = Systems(connections.shop, connections.mes, connections.broker, whole=False)
        workers.append(Reconciler(systems, settings.reconcile_every))
    return Parts(application=partial(create, connections), workers=workers)
