"""A company whose every server and service can be broken: each is a process of this one's own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from touchstone import run
from touchstone.backing.postgres import SETTINGS
from touchstone.backing.programs import Program, free_ports, path
from touchstone.backing.rabbitmq import RabbitMQ
from touchstone.backing.redis import Redis
from touchstone.backing.servers import Server
from touchstone.config import Platform, load
from touchstone.sandbox import Broker, Database, Sandbox, fill_environment
from touchstone.waiting import eventually
from touchstone.zygote.owner import Forked, Zygote

# What is acknowledged must outlast the server here, which is what is tested.
_DURABLE = {"synchronous_commit": "on", "max_connections": "200"}
_INITDB = ("--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
_ENDS_WITHIN = 30.0  # seconds
_USER = "touchstone"


class Primary:
    """The PostgreSQL of one database, in a folder of its own and without a replica."""

    def __init__(self, folder: Path, database: str) -> None:
        self._data = folder / "data"
        self._database = database
        user = "postgres" if os.getuid() == 0 else None
        folder.mkdir()
        if user:
            shutil.chown(folder, user)
        self._program = Program("postgres", folder, user)
        (self.port,) = free_ports(1)
        self._program.run(
            [path("initdb"), "-D", str(self._data), "-U", _USER, "--auth=trust", *_INITDB]
        )
        with (self._data / "postgresql.conf").open("a") as file:
            for name, value in {**SETTINGS, **_DURABLE, "port": str(self.port)}.items():
                file.write(f"{name} = '{value}'\n")

    @property
    def address(self) -> str:
        return self._address(self._database)

    def create(self) -> None:
        """The database, empty; the server has to run."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self._database}")

    def _address(self, database: str) -> str:
        return Server("127.0.0.1", self.port, _USER, password="").postgresql(database)

    def start(self) -> None:
        """Returns when it answers."""
        self._program.start([path("postgres"), "-D", str(self._data)])
        self._program.wait_for(self._answer, timeout=60)

    def stop(self) -> None:
        """In an orderly way; connections are cut."""
        self._program.stop(signal.SIGINT)

    def crash(self) -> None:
        """Without a checkpoint, as after a crash; only its shared memory is given back."""
        self._program.stop(signal.SIGQUIT)

    def _answer(self) -> None:
        psycopg.connect(self._address("postgres"), connect_timeout=5).close()


class BrokerServer:
    """RabbitMQ, which may also crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = RabbitMQ(folder, secrets.token_urlsafe(12))

    def start(self) -> Broker:
        """Returns when it answers."""
        started = self._server.start()
        return Broker(
            amqp=started.amqp("%2F"),
            management=f"http://127.0.0.1:{started.management}",
            vhost="/",
            user=started.user,
            password=started.password,
        )

    def stop(self) -> None:
        self._server.stop()

    def crash(self) -> None:
        os.kill(int((self._folder / "pid").read_text()), signal.SIGKILL)
        self._server.stop()

    def end(self) -> None:
        self._server.kill()


@dataclass
class Services:
    """The platform's services, a process each."""

    platform: Platform
    zygote: Zygote
    environment: dict[str, str]
    folder: Path
    running: dict[str, Forked]
    ports: dict[str, int]

    def start(self, name: str) -> None:
        """It may not be ready yet. Its address stays the same."""
        ports = {name: self.ports.get(name, 0)}
        forked = self.zygote.serve(
            ports, self.environment, self.folder, self.folder / f"{name}.log"
        )
        self.running[name] = forked
        self.ports[name] = forked.ports[name]

    def kill(self, name: str) -> None:
        """SIGKILL, to what it has started, too; returns when it is gone."""
        self.zygote.kill([self.running.pop(name).pid])

    def end(self, name: str) -> None:
        """SIGTERM; returns when it is gone. Raises NotYetTrue."""
        pid = self.running[name].pid
        os.kill(pid, signal.SIGTERM)
        eventually(
            lambda: self.zygote.alive([pid]),
            until=lambda alive: not alive,
            timeout=_ENDS_WITHIN,
            describe=f"{name} ends when it is asked to",
        )
        del self.running[name]

    def freeze(self, name: str) -> None:
        os.kill(self.running[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.kill(self.running[name].pid, signal.SIGCONT)


class Company:
    """Servers and services of one run, in a folder that goes with it."""

    def __init__(self, more: dict[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="overlapping-", dir=run.default_parent()))
        self.folder.chmod(0o711)
        # One each, so that events go on to come while one of the two is away.
        self.primaries = {name: Primary(self.folder / name, name) for name in ("shop", "mes")}
        self.broker_server = BrokerServer(self.folder / "rabbitmq")
        self._redis = Redis(self.folder / "redis", secrets.token_urlsafe(12))
        for primary in self.primaries.values():
            primary.start()
            primary.create()
        self.broker = self.broker_server.start()
        cache = self._redis.start()
        platform = load(Path.cwd() / "pyproject.toml")
        databases = {
            name: Database(primary.address, "") for name, primary in self.primaries.items()
        }
        files = self.folder / "files"
        files.mkdir()
        environment = fill_environment(
            platform.environment,
            name="overlapping",
            databases=databases,
            broker=self.broker,
            cache=f"redis://:{cache.password}@127.0.0.1:{cache.port}/0",
            files=files,
        )
        # No replica here; and what is tried again is tried as it would be in production.
        for name in ("ATELIER_SHOP_REPLICA", "ATELIER_RETRY_DELAYS"):
            environment.pop(name, None)
        # One address orders for everybody here.
        limits = {"ATELIER_PARTNER_BURST": "1000000", "ATELIER_LIMITS_TIMES": "100000"}
        environment |= limits | {"ATELIER_PRICING_WORKERS": "1", **more}
        self.zygote = Zygote(platform, self.folder / "zygote.log")
        self.zygote.call(platform.migrate, environment, self.folder, self.folder / "migrate.log")
        self.services = Services(platform, self.zygote, environment, self.folder, {}, {})
        for name in platform.services:
            self.services.start(name)
        self.sandbox = Sandbox(
            name="overlapping",
            services={n: f"http://127.0.0.1:{p}" for n, p in self.services.ports.items()},
            databases=databases,
            broker=self.broker,
            cache="",
            files=files,
            logs=self.folder,
            environment=environment,
        )

    def close(self, *, keep: bool = False) -> None:
        """End all of it; `keep` leaves the logs."""
        self.zygote.close()
        self.broker_server.end()
        self._redis.kill()
        for primary in self.primaries.values():
            primary.crash()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
