"""Making, watching and dropping sandboxes."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psycopg
import redis
from psycopg import sql

from touchstone.backing import Backing
from touchstone.config import Platform
from touchstone.processes import Forked, PlatformFailed, Zygote, tail
from touchstone.sandbox import Broker, Database, Sandbox, fill_environment
from touchstone.waiting import NotYetTrue, eventually

READY_TIMEOUT = 30.0

TOGETHER = "platform"
"""The name of the one process that runs all services, where they do not run apart."""


@dataclass
class Made:
    """A sandbox and what must be undone when it is dropped.

    `processes` are its running processes by name, without those that its scenario has ended.
    """

    sandbox: Sandbox
    processes: dict[str, Forked]
    cache_index: int
    seconds: dict[str, float]


class Sandboxes:
    """Cuts sandboxes out of the backing services: clone, virtual host, folder, fork.

    The template databases are migrated once, when the object is made.
    """

    def __init__(
        self,
        platform: Platform,
        backing: Backing,
        zygote: Zygote,
        folder: Path,
        *,
        prefix: str,
        cache_indices: deque[int],
    ) -> None:
        self._platform = platform
        self._backing = backing
        self._zygote = zygote
        self._folder = folder
        self._count = 0
        self._naming = threading.Lock()
        self._prefix = prefix
        self._cache_indices = cache_indices
        self._management = httpx.Client(
            base_url=backing.broker.management_url,
            auth=(backing.broker.user, backing.broker.password),
            trust_env=False,
            timeout=30,
        )
        self._admin = psycopg.connect(
            backing.database(backing.primary, "postgres"), autocommit=True
        )
        self._admin_turn = threading.Lock()
        self._replica = psycopg.connect(
            backing.database(backing.replica, "postgres"), autocommit=True
        )
        self._replica_turn = threading.Lock()
        self._threads = ThreadPoolExecutor(8)
        self._migrate()

    def make(self, services: Sequence[str] | None = None, *, apart: bool = False) -> Made:
        """Make a sandbox with these services running; None means all of them.

        They run in one process, or `apart`, each in one of its own.

        Raises:
            PlatformFailed: its processes ended or were not ready in time.
        """
        with self._naming:
            self._count += 1
            name = f"{self._prefix}s{self._count}"
            cache_index = self._cache_indices.popleft()
        clock = _Laps()
        folder = self._folder / name
        (folder / "files").mkdir(parents=True)
        (folder / "logs").mkdir()
        vhost = self._threads.submit(self._make_vhost, name)
        self._clone(name)
        clock.lap("clone")
        vhost.result()
        clock.lap("virtual host")
        sandbox = self._describe(name, folder, cache_index)
        chosen = list(self._platform.services) if services is None else list(services)
        groups = {name: [name] for name in chosen} if apart else {TOGETHER: chosen}
        made = Made(sandbox, {}, cache_index, clock.seconds)
        for process, group in groups.items() if chosen else ():
            self._serve(made, process, dict.fromkeys(group, 0))
        clock.lap("fork")
        try:
            self._wait_until_ready(made, made.sandbox.services)
        except PlatformFailed:
            self.drop(made)
            raise
        clock.lap("ready")
        return made

    def alive(self, made: Made) -> bool:
        """Whether all processes run that should."""
        pids = [process.pid for process in made.processes.values()]
        return not pids or len(self._zygote.alive(pids)) == len(pids)

    def signal(self, made: Made, process: str, number: signal.Signals) -> None:
        """Send a signal to one process; one that ends it is waited for.

        Raises:
            LookupError: the sandbox has no such process running.
        """
        forked = _process(made, process)
        if number == signal.SIGKILL:
            del made.processes[process]
            self._zygote.kill([forked.pid])
            return
        os.kill(forked.pid, number)
        if number == signal.SIGTERM:
            del made.processes[process]
            eventually(
                lambda: self._zygote.alive([forked.pid]),
                until=lambda alive: not alive,
                timeout=READY_TIMEOUT,
                describe=f"{process} ends",
            )

    def start(self, made: Made, process: str) -> None:
        """Start a process again that was ended, at the addresses that it had."""
        services = [process] if process != TOGETHER else list(made.sandbox.services)
        ports = {
            name: int(made.sandbox.services[name].rpartition(":")[2])
            for name in services
            if name in made.sandbox.services
        }
        if process in made.processes or not ports:
            raise LookupError(
                f"{process} cannot be started: it runs already, or this sandbox never had it; "
                f"running: {', '.join(made.processes) or 'nothing'}."
            )
        self._serve(made, process, ports)
        self._wait_until_ready(made, ports)

    def drop(self, made: Made) -> None:
        """Remove everything that the sandbox had."""
        self._zygote.kill([process.pid for process in made.processes.values()])
        self._management.delete(f"/api/vhosts/{made.sandbox.name}")
        for database in self._platform.databases:
            self._administer(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
                    sql.Identifier(f"{made.sandbox.name}_{database}")
                )
            )
        with redis.Redis.from_url(made.sandbox.cache) as cache:
            cache.flushdb()
        shutil.rmtree(self._folder / made.sandbox.name, ignore_errors=True)
        self._cache_indices.append(made.cache_index)

    def _serve(self, made: Made, process: str, ports: Mapping[str, int]) -> None:
        sandbox = made.sandbox
        made.processes[process] = forked = self._zygote.serve(
            ports, sandbox.environment, sandbox.files.parent, sandbox.logs / f"{process}.log"
        )
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in forked.ports.items()}
        made.sandbox = replace(sandbox, services={**sandbox.services, **addresses})

    def close(self) -> None:
        """Remove the templates; sandboxes are dropped one by one."""
        for database in self._platform.databases:
            self._administer(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(
                    sql.Identifier(self._template(database))
                )
            )
        self._admin.close()
        self._replica.close()
        self._management.close()

    def _template(self, database: str) -> str:
        return f"{self._prefix}template_{database}"

    def _migrate(self) -> None:
        for database in self._platform.databases:
            self._administer(
                sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._template(database)))
            )
        name = f"{self._prefix}template"
        folder = self._folder / name
        folder.mkdir(parents=True)
        environment = self._describe(name, folder, 0).environment
        self._zygote.call(self._platform.migrate, environment, folder, folder / "migrate.log")

    def _clone(self, name: str) -> None:
        for database in self._platform.databases:
            # FILE_COPY beats the default WAL_LOG here: with fsync off its checkpoints are cheap.
            self._administer(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(f"{name}_{database}"), sql.Identifier(self._template(database))
                )
            )

    def _administer(self, statement: sql.Composed) -> None:
        with self._admin_turn:
            self._admin.execute(statement)

    def _make_vhost(self, name: str) -> None:
        self._management.put(f"/api/vhosts/{name}").raise_for_status()
        self._management.put(
            f"/api/permissions/{name}/{self._backing.broker.user}",
            json={"configure": ".*", "write": ".*", "read": ".*"},
        ).raise_for_status()

    def _describe(self, name: str, folder: Path, cache_index: int) -> Sandbox:
        backing = self._backing
        databases = {
            database: Database(
                primary=backing.database(backing.primary, f"{name}_{database}"),
                replica=backing.database(backing.replica, f"{name}_{database}"),
            )
            for database in self._platform.databases
        }
        broker = Broker(
            amqp=backing.broker.amqp(name),
            management=backing.broker.management_url,
            vhost=name,
            user=backing.broker.user,
            password=backing.broker.password,
        )
        cache = backing.cache_url(cache_index)
        return Sandbox(
            name=name,
            services={},
            databases=databases,
            broker=broker,
            cache=cache,
            files=folder / "files",
            logs=folder / "logs",
            environment=fill_environment(
                self._platform.environment,
                name=name,
                databases=databases,
                broker=broker,
                cache=cache,
                files=folder / "files",
            ),
        )

    def _wait_until_ready(self, made: Made, services: Iterable[str]) -> None:
        answers = [
            self._threads.submit(
                self._wait_for_service, made, service, self._platform.services[service].health
            )
            for service in services
        ]
        if self._platform.databases:
            self._wait_for_replica(made.sandbox.name)
        for answer in answers:
            answer.result()

    def _wait_for_service(self, made: Made, service: str, path: str) -> None:
        url = made.sandbox.services[service] + path

        def answer(client: httpx.Client) -> str:
            # The listening socket exists since before the fork: the request waits there until
            # the service takes it, so that there are seldom two.
            try:
                said = client.get(url)
            except httpx.TransportError as error:
                if self.alive(made):
                    return str(error)
                raise PlatformFailed(
                    f"the service {service} ended instead of answering GET {path}; "
                    f"it logged:\n{_logged(made)}"
                ) from None
            return f"{said.status_code} {said.text[:500]}"

        with httpx.Client(trust_env=False, timeout=READY_TIMEOUT) as client:
            try:
                eventually(
                    lambda: answer(client),
                    until=lambda said: said.startswith("200 "),
                    timeout=READY_TIMEOUT,
                    describe=f"the service {service} answers GET {path} with 200",
                )
            except NotYetTrue as failure:
                raise PlatformFailed(f"{failure}\nit logged:\n{_logged(made)}") from None

    def _wait_for_replica(self, name: str) -> None:
        # The last one cloned: the replica applies the primary's log in its order.
        database = f"{name}_{self._platform.databases[-1]}"

        def there() -> bool:
            query = "SELECT FROM pg_database WHERE datname = %s"
            with self._replica_turn:
                return self._replica.execute(query, [database]).rowcount == 1

        eventually(
            there, timeout=READY_TIMEOUT, interval=0.002, describe=f"{database} on the replica"
        )


class _Laps:
    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = now - self._last
        self.seconds["total"] = now - self._began
        self._last = now


def _logged(made: Made) -> str:
    return "\n".join(tail(process.log) for process in made.processes.values())


def _process(made: Made, name: str) -> Forked:
    if name in made.processes:
        return made.processes[name]
    raise LookupError(
        f"{name} is no running process of this sandbox; running: "
        f"{', '.join(made.processes) or 'nothing'}. To end a service alone, tag the scenario "
        "@processes: each service then has a process of its own."
    )
