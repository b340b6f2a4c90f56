"""Runs services of the platform in this process.

Importing this module imports all of the platform and opens nothing, so that a process that has
imported it can be forked.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn

# uvicorn, SQLAlchemy and asyncio import these on first use, which a forked process would pay for.
import uvicorn.lifespan.on
import uvicorn.protocols.http.httptools_impl
import uvloop
from fastapi import FastAPI

import atelier.crm.app
import atelier.mes.app
import atelier.partner.app
import atelier.pricing.app
import atelier.shop.app
from atelier.cancellation import ended
from atelier.data.patience import OF_SERVICES, patience
from atelier.pricing.fork_server import ForkServer
from atelier.resources import Resources
from atelier.settings import settings
from atelier.telemetry import logs, tracing
from atelier.web.patience import PatientProtocol

log = structlog.get_logger(__name__)

APPLICATIONS: Mapping[str, Callable[[Resources], FastAPI]] = {
    "shop": atelier.shop.app.create,
    "partner": atelier.partner.app.create,
    "crm": atelier.crm.app.create,
    "mes": atelier.mes.app.create,
    "pricing": atelier.pricing.app.create,
}

_FINISH_WITHIN = 10  # seconds


def serve(listeners: Mapping[str, socket.socket]) -> None:
    """Run each named service on its listening socket, with its relay and consumer.

    Returns after SIGTERM or SIGINT, when requests, messages and batches in hand are finished.
    Raises BadSettings.
    """
    logs.configure(settings().log_level)
    fork_server = None
    # Before any thread. On macOS the system's own libraries have started some already.
    if "pricing" in listeners and sys.platform == "linux":
        fork_server = ForkServer.fork(settings().pricing_memory)
    if collector := settings().otlp_endpoint:
        tracing.start(collector, listeners.keys())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(listeners, fork_server))
    finally:
        tracing.stop()


async def _serve(listeners: Mapping[str, socket.socket], fork_server: ForkServer | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    patience.set(OF_SERVICES)
    resources = Resources(settings(), set(listeners), fork_server)
    # First what waits for other machines, then the applications, which are work for this one.
    consumers = [
        asyncio.create_task(_named(queue.partition(".")[0], consumer.run()))
        for queue, consumer in resources.consumers.items()
    ]
    workers = [
        asyncio.create_task(_named(name.partition(".")[0], worker.run()))
        for name, worker in resources.workers.items()
    ]
    relays = [
        asyncio.create_task(_named(service, relay.run()))
        for service, relay in resources.relays.items()
    ]
    followers = (
        [asyncio.create_task(_named("mes", resources.work_list.run()))]
        if "mes" in listeners
        else []
    )
    servers: list[_Server] = []
    serving: list[asyncio.Task[None]] = []
    for service, listener in listeners.items():
        await asyncio.sleep(0)
        server = _Server(
            uvicorn.Config(
                APPLICATIONS[service](resources),
                log_config=None,
                # An access log would hold what people search for: names and e-mail addresses.
                access_log=False,
                http=PatientProtocol,
                ws="none",
                lifespan="on",
                loop="none",
                timeout_graceful_shutdown=_FINISH_WITHIN,
            )
        )
        servers.append(server)
        serving.append(asyncio.create_task(_named(service, server.serve(sockets=[listener]))))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *serving], return_when=asyncio.FIRST_COMPLETED)

    log.info("stopping")
    # First what open pages listen to: their connections would hold the servers back.
    await ended(followers)
    for server in servers:
        server.should_exit = True
    outcomes = await asyncio.gather(*serving, return_exceptions=True)
    # Consumers before relays: what the last handlers put into the outbox may leave still.
    for group in (consumers, workers, relays):
        await ended(group)
    await resources.close()
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def _named(service: str, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`; its log lines and spans name the service."""
    tracing.work_for(service)
    await work


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # `_serve` listens for signals, for all servers of the process.
        yield
