"""Pricing's application, and what runs of it: requests come by message, the dispatcher answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI

from atelier.connections import Connections
from atelier.parts import Parts
from atelier.pricing import SERVICE, gauges
from atelier.pricing.dispatcher import Dispatcher
from atelier.pricing.fork_server import ForkServer
from atelier.pricing.pool import Pool
from atelier.settings import Settings
from atelier.usecases import price_requests
from atelier.web.application import create_app
from atelier.web.openapi import serve_openapi

if TYPE_CHECKING:
    from atelier.service import Start


def create(connections: Connections) -> FastAPI:
    """Its health, and nothing else."""
    app = create_app(SERVICE, connections, openapi_url="/openapi.json")
    serve_openapi(app, routes_under="/health/")
    return app


def parts(connections: Connections, fork_server: ForkServer | None = None) -> Parts:
    """The consumer that keeps requests, and the dispatcher with its pool of processes.

    `fork_server` is where those come from; without, the first model starts one.
    """
    settings = connections.settings
    pool = Pool(settings.pricing_time_limit, settings.pricing_memory, fork_server)
    dispatcher = Dispatcher(
        connections.mes,
        connections.models,
        pool,
        workers=settings.pricing_workers,
        retry_delays=settings.retry_delays,
    )
    return Parts(
        application=partial(create, connections),
        handlers={"pricing.calculations": price_requests.handle},
        workers=(dispatcher,),
        readings=(gauges.of_models(connections.mes),),
        ready={"pricing": dispatcher.working.wait},
        close=pool.close,
    )


def fork(settings: Settings) -> Start:
    """`parts` with a fork server, which is forked here: only for a process without threads."""
    return partial(parts, fork_server=ForkServer.fork(settings.pricing_memory))
