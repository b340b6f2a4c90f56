"""The `containers` provider: the backing services in Docker containers, by testcontainers."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg
import redis
from docker.errors import DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from touchstone import run
from touchstone.backing import engine
from touchstone.backing.postgres import SETTINGS, USER
from touchstone.backing.private_container import PrivateContainer
from touchstone.backing.programs import free_ports
from touchstone.backing.redis import DATABASES
from touchstone.backing.servers import (
    Backing,
    BackingUnavailable,
    BrokerServer,
    PrivateServer,
    Server,
)
from touchstone.certificates import trusted_certificates
from touchstone.waiting import NotYetTrue, eventually

T = TypeVar("T")

POSTGRES = "postgres:15"
RABBITMQ = "rabbitmq:3-management"
REDIS = "redis:7"

START_TIMEOUT = 120.0

_DATA = "/data"

_FLAGS = [
    part
    for name, value in {
        **SETTINGS,
        "listen_addresses": "*",
        "unix_socket_directories": "/tmp",
    }.items()
    for part in ("-c", f"{name}={value}")
]


class ContainersProvider:
    """Starts PostgreSQL (primary and replica), RabbitMQ and Redis side by side in containers."""

    name = "containers"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(12)
        self._started: list[DockerContainer] = []
        self._upstream = ""  # the primary's address among the containers
        self._beginning = 0
        self._stopping = False
        self._changed = threading.Condition()
        # The keeper removes the containers, and the next run those of a killed one: the container
        # that testcontainers would start to do so is one more image to have.
        testcontainers_config.ryuk_disabled = True

    def missing(self) -> str | None:
        """Names the missing engine, or the image that is not here and cannot be pulled."""
        if missing := engine.missing():
            return missing
        with engine.connected() as client:
            for image in images():
                try:
                    client.images.get(image)
                except ImageNotFound:
                    try:
                        client.images.pull(image)
                    # The client lets some errors of its connection through as they are.
                    except (DockerException, OSError) as error:
                        return (
                            f"the image {image} is not here and cannot be pulled "
                            f"({engine.in_one_line(error)})."
                        )
        return None

    def start(self, say: Callable[[str], None]) -> Backing:
        """Start all containers side by side; returns when all servers in them answer.

        Raises:
            BackingUnavailable: a container did not start, or its server did not answer in time.
        """
        engine.remove_abandoned()
        (self._folder / run.CONTAINERS).touch()
        say("starting PostgreSQL, RabbitMQ and Redis in containers")
        began = time.monotonic()
        with ThreadPoolExecutor(3) as pool:
            postgres = pool.submit(self._start_postgres)
            broker = pool.submit(self.start_rabbitmq)
            cache = pool.submit(self._start_redis)
            primary, replica = postgres.result()
            return Backing(
                provider=self.name,
                primary=primary,
                replica=replica,
                broker=broker.result()[1],
                cache=cache.result(),
                seconds=time.monotonic() - began,
            )

    def private_broker(self, name: str) -> PrivateServer:
        """A further RabbitMQ in a container of its own, not yet started."""
        return PrivateContainer(lambda: self.start_rabbitmq(restarts=True), self.await_rabbitmq)

    def private_replica(self, name: str) -> PrivateServer:
        """A further replica of the primary in a container of its own, not yet started."""
        return PrivateContainer(lambda: self.start_replica(restarts=True), self.await_postgres)

    def stop(self) -> None:
        """Remove the containers that were started, and those that are just being."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: not self._beginning)
        with ThreadPoolExecutor(4) as pool:
            for removed in [pool.submit(each.stop) for each in self._started]:
                with contextlib.suppress(DockerException):
                    removed.result()

    def start_rabbitmq(self, *, restarts: bool = False) -> tuple[DockerContainer, BrokerServer]:
        """A running RabbitMQ; one that `restarts` keeps its ports, which Docker else deals anew."""
        began = time.monotonic()
        ports = (5672, 15672)
        container = self._run(
            RABBITMQ,
            ports,
            published=dict(zip(ports, free_ports(2), strict=True)) if restarts else {},
            environment={"RABBITMQ_DEFAULT_USER": USER, "RABBITMQ_DEFAULT_PASS": self._password},
        )
        return container, self.await_rabbitmq(container, began)

    def await_rabbitmq(self, container: DockerContainer, began: float) -> BrokerServer:
        """Where a starting RabbitMQ answers, as soon as it does."""

        host, port = _where(container, 5672)
        _, management = _where(container, 15672)

        def version() -> str:
            overview = httpx.get(
                f"http://{host}:{management}/api/overview",
                auth=(USER, self._password),
                timeout=5,
                trust_env=False,
                verify=trusted_certificates(),
            )
            return str(overview.raise_for_status().json()["rabbitmq_version"])

        found = _answer(container, version)
        return BrokerServer(
            host=host,
            port=port,
            user=USER,
            password=self._password,
            version=found,
            seconds=time.monotonic() - began,
            management=management,
        )

    def _start_redis(self) -> Server:
        began = time.monotonic()
        command = ["redis-server", "--bind", "0.0.0.0", "--save", "", "--appendonly", "no"]
        container = self._run(
            REDIS,
            [6379],
            [*command, "--requirepass", self._password, "--databases", str(DATABASES)],
        )
        host, port = _where(container, 6379)

        def version() -> str:
            with redis.Redis(host, port, password=self._password) as client:
                return str(client.info("server")["redis_version"])

        found = _answer(container, version)
        return Server(
            host=host,
            port=port,
            user="",
            password=self._password,
            version=found,
            seconds=time.monotonic() - began,
        )

    def _start_postgres(self) -> tuple[Server, Server]:
        began = time.monotonic()
        primary = self._run(
            POSTGRES,
            [5432],
            ["postgres", *_FLAGS],
            environment={
                "POSTGRES_USER": USER,
                "POSTGRES_PASSWORD": self._password,
                "POSTGRES_HOST_AUTH_METHOD": "md5",
                "PGDATA": f"{_DATA}/primary",
            },
            data=_DATA,
        )
        first = self.await_postgres(primary, began)
        # The official image admits clients from everywhere, but no replica.
        _execute(primary, 'echo "host replication all all md5" >> "$PGDATA/pg_hba.conf"')
        with psycopg.connect(first.postgresql("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        primary.get_wrapped_container().reload()
        network = primary.get_wrapped_container().attrs["NetworkSettings"]["Networks"]["bridge"]
        self._upstream = str(network["IPAddress"])
        return first, self.start_replica()[1]

    def start_replica(self, *, restarts: bool = False) -> tuple[DockerContainer, Server]:
        """A replica of the primary; one that `restarts` keeps its port and its data."""
        began = time.monotonic()
        follow = (
            "[ -f $PGDATA/PG_VERSION ] || "
            f"pg_basebackup -R --checkpoint=fast -h {self._upstream} -U {USER} -D $PGDATA"
            f" && chmod 700 $PGDATA && exec postgres {shlex.join(_FLAGS)}"
        )
        # What is mounted in memory is gone when a container ends.
        folder = "/tmp" if restarts else _DATA
        replica = self._run(
            POSTGRES,
            [5432],
            ["sh", "-c", follow],
            environment={"PGDATA": f"{folder}/replica", "PGPASSWORD": self._password},
            user="postgres",
            data=None if restarts else folder,
            published={5432: free_ports(1)[0]} if restarts else {},
        )
        return replica, self.await_postgres(replica, began)

    def await_postgres(self, container: DockerContainer, began: float) -> Server:
        """Where a starting PostgreSQL answers, as soon as it does."""
        server = Server(*_where(container, 5432), USER, self._password)

        def version() -> str:
            with psycopg.connect(server.postgresql("postgres"), connect_timeout=5) as connection:
                row = connection.execute("SHOW server_version").fetchone()
                assert row is not None
                return str(row[0])

        found = _answer(container, version).split()[0]
        return Server(
            server.host, server.port, USER, self._password, found, time.monotonic() - began
        )

    def _run(
        self,
        image: str,
        ports: Sequence[int],
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        data: str | None = None,
        published: Mapping[int, int] | None = None,
    ) -> DockerContainer:
        container = (
            DockerContainer(image)
            .with_exposed_ports(*ports)
            .with_envs(**(environment or {}))
            .with_kwargs(
                labels={engine.LABEL: str(self._folder)},
                user=user,
            )
        )
        for inside, outside in (published or {}).items():
            container.with_bind_ports(inside, outside)
        if command:
            container.with_command(list(command))
        if data:
            # It lives as long as the run, and memory is faster than a file system of layers.
            container.with_tmpfs_mount(data)
        with self._changed:
            if self._stopping:
                raise BackingUnavailable("the run has ended.")
            self._started.append(container)
            self._beginning += 1
        try:
            container.start()
        except DockerException as error:
            raise BackingUnavailable(f"a container of {image} did not start: {error}") from None
        finally:
            with self._changed:
                self._beginning -= 1
                self._changed.notify_all()
        return container


def images() -> list[str]:
    """The images that are needed, by the names that testcontainers asks the engine for."""
    mirror = testcontainers_config.hub_image_name_prefix
    return [f"{mirror}{name}" for name in (POSTGRES, RABBITMQ, REDIS)]


def describe() -> str:
    """The images and the engine that runs them."""
    names = ", ".join(images())
    try:
        with engine.connected() as client:
            return f"{names} (Docker {client.version()['Version']})"
    except DockerException as error:
        return f"{names} (no Docker engine answers: {engine.in_one_line(error)})"


def _where(container: DockerContainer, port: int) -> tuple[str, int]:
    """Where a port of the container is reached from here.

    That is this machine wherever the engine runs on it; testcontainers would take the address of
    Docker's gateway where it believes to run in a container itself.
    """
    published = int(container.get_exposed_port(port))
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", published), 1):
        return "127.0.0.1", published
    return str(container.get_container_host_ip()), published


def _execute(container: DockerContainer, script: str) -> None:
    status, said = container.exec(["sh", "-c", script])
    if status:
        raise BackingUnavailable(f"{script!r} in {container.image} failed: {said!r}")


def _answer(container: DockerContainer, probe: Callable[[], T]) -> T:
    """What the server in the container answers, as soon as it does."""

    def ask() -> T:
        container.reload()
        if container.status not in ("created", "running"):
            raise BackingUnavailable(f"{container.image} ended:\n{_said(container)}")
        try:
            return probe()
        except (OSError, httpx.HTTPError, psycopg.Error, redis.RedisError) as error:
            raise _NotYet(error) from error

    try:
        return eventually(
            ask, until=lambda _: True, timeout=START_TIMEOUT, interval=0.05, ignoring=(_NotYet,)
        )
    except NotYetTrue as failure:
        raise BackingUnavailable(
            f"{container.image} did not answer: {failure}\n{_said(container)}"
        ) from None


class _NotYet(Exception):
    pass


def _said(container: DockerContainer) -> str:
    lines = [line for part in container.get_logs() for line in part.decode().splitlines()]
    return "\n".join(f"  {line}" for line in lines[-20:])
