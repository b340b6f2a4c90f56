"""The MES as an application, and what runs of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fastapi import FastAPI

from atelier.connections import Connections
from atelier.data.mes import Operator
from atelier.mes import SERVICE, api, list_stream, pages
from atelier.mes.listing.live import LiveList
from atelier.messaging.gauges import of_outbox
from atelier.parts import Parts
from atelier.usecases import work_orders
from atelier.web.application import create_app
from atelier.web.choosing_language import choice_routes
from atelier.web.openapi import STAFF_PROBLEMS, problem_responses, serve_openapi
from atelier.web.rendering import Pages

_PAGES = Pages(SERVICE, Path(__file__).parent / "templates")


def create(connections: Connections, work_list: LiveList) -> FastAPI:
    """The MES on the given databases, with the list of work as it is followed in this process."""
    app = create_app(
        SERVICE,
        connections,
        pages=_PAGES,
        description="Work, for operators who have signed in.",
        openapi_url="/openapi.json",
    )
    app.state.work_list = work_list
    app.include_router(choice_routes(Operator, lambda connections: connections.mes))
    app.include_router(pages.router)
    app.include_router(list_stream.router)
    app.include_router(api.router, responses=problem_responses(STAFF_PROBLEMS))
    serve_openapi(app, cookie=SERVICE.cookie)
    return app


def parts(connections: Connections) -> Parts:
    """Its pages and API, the list that its open pages follow, and the consumer of its queue."""
    work_list = LiveList(connections.mes, connections.cache)
    return Parts(
        application=partial(create, connections, work_list),
        handlers={"mes.orders": work_orders.handle},
        streams=(work_list,),
        readings=(of_outbox(connections.mes),),
    )
