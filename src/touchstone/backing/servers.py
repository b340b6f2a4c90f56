"""What a provider starts and answers: servers, by the same names wherever they come from.

A provider starts them once for a run; sandboxes are cut out of what it answers. All providers
answer in the same shape, so nothing else knows where a backing service comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class BackingUnavailable(Exception):
    """The backing services cannot be had here; the text says what is missing and what to do."""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, what it is, and how long its start took in seconds."""

    host: str
    port: int
    user: str
    password: str
    version: str = ""
    seconds: float = 0.0

    def postgresql(self, database: str) -> str:
        """The `postgresql://` address of a database, where the server is PostgreSQL."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{database}"


@dataclass(frozen=True)
class BrokerServer(Server):
    """RabbitMQ; `management` is the port of its HTTP API."""

    management: int = 0

    def amqp(self, vhost: str) -> str:
        """The `amqp://` address of a virtual host."""
        return f"amqp://{self.user}:{self.password}@{self.host}:{self.port}/{vhost}"

    @property
    def management_url(self) -> str:
        """The base address of the HTTP API."""
        return f"http://{self.host}:{self.management}"


@dataclass(frozen=True)
class Backing:
    """The running backing services of one run. `seconds`: from nothing until all answered."""

    provider: str
    primary: Server
    replica: Server
    broker: BrokerServer
    cache: Server
    seconds: float = 0.0

    def database(self, server: Server, name: str) -> str:
        """The `postgresql://` address of a database on the primary or the replica."""
        return server.postgresql(name)

    def cache_url(self, index: int) -> str:
        """The `redis://` address of a numbered Redis database."""
        return f"redis://:{self.cache.password}@{self.cache.host}:{self.cache.port}/{index}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Backing:
        """The reverse of `dataclasses.asdict`."""
        return cls(
            provider=data["provider"],
            primary=Server(**data["primary"]),
            replica=Server(**data["replica"]),
            broker=BrokerServer(**data["broker"]),
            cache=Server(**data["cache"]),
            seconds=data["seconds"],
        )

    def summary(self) -> str:
        """One line for people: what runs, and how long each start took."""
        parts = [
            f"PostgreSQL {self.primary.version} {self.primary.seconds:.1f} s",
            f"replica {self.replica.seconds:.1f} s",
            f"RabbitMQ {self.broker.version} {self.broker.seconds:.1f} s",
            f"Redis {self.cache.version} {self.cache.seconds:.1f} s",
        ]
        return f"{self.provider} · {' · '.join(parts)} · together {self.seconds:.1f} s"


class PrivateServer(Protocol):
    """A server of one test's own, which it may stop and start without harm to others."""

    def start(self) -> Server:
        """Start it, or start it again on what it kept; returns when it answers."""

    def stop(self) -> None:
        """Stop it in an orderly way; durable queues and persistent messages stay on disk."""

    def kill(self) -> None:
        """End it for good, without ceremony."""


class Provider(Protocol):
    """Where backing services come from."""

    name: str

    def missing(self) -> str | None:
        """What is missing on this machine and what to do about it; None when nothing is."""

    def start(self, say: Callable[[str], None]) -> Backing:
        """Start everything side by side; returns when all of it answers.

        Raises:
            BackingUnavailable: something is missing or did not start.
        """

    def private_broker(self, name: str) -> PrivateServer:
        """A further RabbitMQ, not yet started."""

    def private_replica(self, name: str) -> PrivateServer:
        """A further replica of the primary, not yet started."""

    def stop(self) -> None:
        """End everything that was started."""
