"""The fixtures by which a test gets a server of its own, whose failure disturbs nobody.

psycopg is imported where it is used: it takes 0.1 s, in every process of every run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from touchstone.backing.servers import Backing, BrokerServer, Server
from touchstone.keeper.client import KeeperClient
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually


class PrivateBroker:
    """A RabbitMQ of one test's own, which it may stop and start again."""

    def __init__(self, keeper: KeeperClient, name: str) -> None:
        self._keeper = keeper
        self._name = name
        self.broker = BrokerServer(**keeper.start_private("broker", name))

    @property
    def amqp(self) -> str:
        """The `amqp://` address of its default virtual host; the same after a restart."""
        return self.broker.amqp("%2F")

    def stop(self) -> None:
        """Stop it in an orderly way; what is durable stays on disk."""
        self._keeper.stop_private("broker", self._name)

    def start(self) -> None:
        """Start it again on what it kept; returns when it answers."""
        self.broker = BrokerServer(**self._keeper.start_private("broker", self._name))


class PrivateReplica:
    """A replica of the run's primary for one test alone, which it may pause, stop and start."""

    def __init__(self, keeper: KeeperClient, name: str, primary: Server) -> None:
        self._keeper = keeper
        self._name = name
        self._primary = primary
        self.server = Server(**keeper.start_private("replica", name))

    def address(self, sandbox: Sandbox, database: str) -> str:
        """The `postgresql://` address at which it has a database of a sandbox."""
        name = sandbox.databases[database].primary.rpartition("/")[2]
        return self.server.postgresql(name)

    def catch_up(self) -> None:
        """Wait until it has all that is on the primary now. Raises NotYetTrue."""
        from touchstone.backing.replication import wait_for_replica

        wait_for_replica(self._primary.postgresql("postgres"), self.server.postgresql("postgres"))

    def pause(self) -> None:
        """Let it stand still: it answers, and what is written from now on it does not show."""
        _ask(self.server, "SELECT pg_wal_replay_pause()")
        eventually(
            lambda: _ask(self.server, "SELECT pg_get_wal_replay_pause_state()"),
            until=lambda state: state == "paused",
            describe="the replica stands still",
        )

    def resume(self) -> None:
        """Let it go on."""
        _ask(self.server, "SELECT pg_wal_replay_resume()")

    def stop(self) -> None:
        """End it at once, with all connections."""
        self._keeper.stop_private("replica", self._name)

    def start(self) -> None:
        """Start it again, at its old address; returns when it answers."""
        self.server = Server(**self._keeper.start_private("replica", self._name))


@pytest.fixture
def private_broker(
    keeper: KeeperClient, backing: Backing, request: pytest.FixtureRequest
) -> Iterator[PrivateBroker]:
    """A RabbitMQ that no other test uses."""
    name = _name(request)
    yield PrivateBroker(keeper, name)
    keeper.end_private("broker", name)


@pytest.fixture
def private_replica(
    keeper: KeeperClient, backing: Backing, request: pytest.FixtureRequest
) -> Iterator[PrivateReplica]:
    """A replica of the run's PostgreSQL that no other test uses."""
    name = _name(request)
    yield PrivateReplica(keeper, name, backing.primary)
    keeper.end_private("replica", name)


def _name(request: pytest.FixtureRequest) -> str:
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{abs(hash(request.node.nodeid)):x}"


def _ask(server: Server, question: str, *parameters: object) -> object:
    import psycopg

    with psycopg.connect(server.postgresql("postgres"), autocommit=True) as connection:
        row = connection.execute(question, parameters).fetchone()
        return None if row is None else row[0]
