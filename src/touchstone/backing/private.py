"""Servers that one connection's tests have for themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from touchstone.backing.servers import PrivateServer, Provider


class PrivateServers:
    """Makes them when they are first started, and ends those that are left.

    `numbers` keep the names apart that other connections give.
    """

    def __init__(self, provider: Provider, numbers: Iterator[int]) -> None:
        self._provider = provider
        self._numbers = numbers
        self._servers: dict[tuple[str, str], PrivateServer] = {}

    def act(self, kind: str, name: str, action: str) -> dict[str, Any]:
        """Start, stop, start again or end a `broker` or a `replica`."""
        if action == "start":
            return dataclasses.asdict(self._server(kind, name).start())
        if action == "stop":
            self._servers[kind, name].stop()
        else:
            self._servers.pop((kind, name)).kill()
        return {}

    def kill(self) -> None:
        """End all of them."""
        for server in self._servers.values():
            server.kill()

    def _server(self, kind: str, name: str) -> PrivateServer:
        if (kind, name) not in self._servers:
            make = {
                "broker": self._provider.private_broker,
                "replica": self._provider.private_replica,
            }
            self._servers[kind, name] = make[kind](f"{name}-{next(self._numbers)}")
        return self._servers[kind, name]
