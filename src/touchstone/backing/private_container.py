"""A container of one test's own, which it may stop and start."""

from __future__ import annotations

import time
from collections.abc import Callable

from testcontainers.core.container import DockerContainer

from touchstone.backing.servers import Server


class PrivateContainer:
    """`first_start` makes the container, `await_server` waits for one that starts again."""

    def __init__(
        self,
        first_start: Callable[[], tuple[DockerContainer, Server]],
        await_server: Callable[[DockerContainer, float], Server],
    ) -> None:
        self._first_start = first_start
        self._await_server = await_server
        self._container: DockerContainer | None = None

    def start(self) -> Server:
        """Make the container, or start it again on what it kept; returns when it answers."""
        if self._container is None:
            self._container, server = self._first_start()
            return server
        began = time.monotonic()
        self._container.get_wrapped_container().start()
        self._container.reload()
        return self._await_server(self._container, began)

    def stop(self) -> None:
        """Stop the server in an orderly way; what is durable stays in the container."""
        assert self._container is not None
        self._container.get_wrapped_container().stop(timeout=30)

    def kill(self) -> None:
        """Remove the container with all that is in it."""
        if self._container is not None:
            self._container.stop()
