"""Runs services of the platform in this process.

Importing this module imports all of the platform and opens nothing, so that a process that has
imported it can be forked.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

# uvicorn, SQLAlchemy and asyncio import these on first use, which a forked process would pay for.
import uvicorn.lifespan.on
import uvicorn.protocols.http.httptools_impl
import uvloop

from atelier.cancellation import ended
from atelier.data.patience import OF_SERVICES, patience
from atelier.parts import Worker
from atelier.running import Running
from atelier.services import SERVICES
from atelier.settings import settings
from atelier.telemetry import logs, tracing
from atelier.web.patience import PatientProtocol

if TYPE_CHECKING:
    from atelier.service import Start

log = structlog.get_logger(__name__)

_FINISH_WITHIN = 10  # seconds

for _service in SERVICES.values():
    _service.parts()  # which imports it


def serve(listeners: Mapping[str, socket.socket]) -> None:
    """Run each named service on its listening socket, with all its parts.

    Returns after SIGTERM or SIGINT, when requests, messages and batches in hand are finished.
    Raises BadSettings.
    """
    logs.configure(settings().log_level)
    forked: dict[str, Start] = {}
    # Before any thread. On macOS the system's own libraries have started some already.
    if sys.platform == "linux":
        forked = {
            name: SERVICES[name].fork()(settings()) for name in listeners if SERVICES[name].forks
        }
    if collector := settings().otlp_endpoint:
        tracing.start(collector, listeners.keys())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(listeners, forked))
    finally:
        tracing.stop()


async def _serve(listeners: Mapping[str, socket.socket], forked: Mapping[str, Start]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    patience.set(OF_SERVICES)
    running = Running(settings(), listeners, forked)
    parts = running.parts.items()
    # First what waits for other machines, then the applications, which are work for this one.
    consumers = _begin((queue.partition(".")[0], each) for queue, each in running.consumers.items())
    workers = _begin((name, worker) for name, each in parts for worker in each.workers)
    relays = _begin(running.relays.items())
    streams = _begin((name, stream) for name, each in parts for stream in each.streams)
    servers: list[_Server] = []
    serving: list[asyncio.Task[None]] = []
    for name, listener in listeners.items():
        await asyncio.sleep(0)
        servers.append(server := _server(running, name))
        serving.append(asyncio.create_task(_named(name, server.serve(sockets=[listener]))))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *serving], return_when=asyncio.FIRST_COMPLETED)

    log.info("stopping")
    # First what open pages listen to: their connections would hold the servers back.
    await ended(streams)
    for server in servers:
        server.should_exit = True
    outcomes = await asyncio.gather(*serving, return_exceptions=True)
    # Consumers before relays: what the last handlers put into the outbox may leave still.
    for group in (consumers, workers, relays):
        await ended(group)
    await running.close()
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


def _begin(work: Iterable[tuple[str, Worker]]) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(_named(service, each.run())) for service, each in work]


async def _named(service: str, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`; its log lines and spans name the service."""
    tracing.work_for(service)
    await work


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # `_serve` listens for signals, for all servers of the process.
        yield


def _server(running: Running, name: str) -> _Server:
    return _Server(
        uvicorn.Config(
            running.application(name),
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
