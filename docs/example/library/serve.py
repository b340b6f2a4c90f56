"""Runs services of the library on sockets that listen already."""

import asyncio
import socket
from collections.abc import Mapping

import uvicorn

from library import desk, notices

APPLICATIONS = {"desk": desk.app, "notices": notices.app}


def serve(listeners: Mapping[str, socket.socket]) -> None:
    """Returns when SIGTERM has come and what was begun is finished."""
    asyncio.run(_serve(listeners))


async def _serve(listeners: Mapping[str, socket.socket]) -> None:
    await asyncio.gather(
        *(
            uvicorn.Server(
                uvicorn.Config(APPLICATIONS[name], lifespan="on", log_level="warning")
            ).serve([listener])
            for name, listener in listeners.items()
        )
    )
