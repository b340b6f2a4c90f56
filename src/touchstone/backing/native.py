"""The `native` provider: private servers from the programs that the machine has.

Each server gets a folder below the run's folder and free ports of 127.0.0.1. Nothing that the
machine already runs is touched.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from touchstone.backing import programs
from touchstone.backing.postgres import FurtherReplica, Postgres
from touchstone.backing.rabbitmq import RabbitMQ
from touchstone.backing.redis import Redis
from touchstone.backing.servers import Backing, BackingUnavailable, PrivateServer, Server


class NativeProvider:
    """Starts PostgreSQL (primary and replica), RabbitMQ and Redis side by side."""

    name = "native"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._postgres = Postgres(folder / "postgres", secrets.token_urlsafe(12))
        self._broker = RabbitMQ(folder / "rabbitmq", secrets.token_urlsafe(12))
        self._redis = Redis(folder / "redis", secrets.token_urlsafe(12))
        self._private: list[PrivateServer] = []
        self._primary: Server | None = None

    def missing(self) -> str | None:
        """Names the programs that are not installed and the packages that have them."""
        if missing := programs.missing():
            from touchstone.backing import engine

            alternative = engine.missing() or "A Docker engine answers: pytest --backing containers"
            return f"{missing}\n{alternative}"
        return None

    def start(self, say: Callable[[str], None]) -> Backing:
        """Start all servers side by side; returns when all of them answer.

        Raises:
            BackingUnavailable: a program is missing, or a server did not start.
        """
        if missing := self.missing():
            raise BackingUnavailable(missing)
        say("starting PostgreSQL, RabbitMQ and Redis")
        began = time.monotonic()
        with ThreadPoolExecutor(3) as pool:
            postgres = pool.submit(self._postgres.start)
            broker = pool.submit(self._broker.start)
            cache = pool.submit(self._redis.start)
            primary, replica = postgres.result()
            self._primary = primary
            return Backing(
                provider=self.name,
                primary=primary,
                replica=replica,
                cache=cache.result(),
                broker=broker.result(),
                seconds=time.monotonic() - began,
            )

    def private_broker(self, name: str) -> PrivateServer:
        """A further RabbitMQ in a folder of its own, not yet started."""
        broker = RabbitMQ(self._folder / f"rabbitmq-{name}", secrets.token_urlsafe(12))
        self._private.append(broker)
        return broker

    def private_replica(self, name: str) -> PrivateServer:
        """A further replica of the primary in a folder of its own, not yet started."""
        assert self._primary is not None, "the primary was not started"
        replica = FurtherReplica(self._folder / f"postgres-{name}", self._primary)
        self._private.append(replica)
        return replica

    def stop(self) -> None:
        """Kill the servers: what they hold is thrown away with the run's folder."""
        for server in [self._broker, *self._private]:
            server.kill()
        self._redis.kill()
        self._postgres.kill()
