"""Making, watching and dropping sandboxes."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psycopg
import redis
from psycopg import sql

from touchstone.backing.servers import Backing
from touchstone.backing.vhosts import VirtualHosts
from touchstone.certificates import trusted
from touchstone.config import Platform
from touchstone.keeper.health import all_answer
from touchstone.keeper.laps import Laps
from touchstone.sandbox import Broker, Database, Sandbox, fill_environment
from touchstone.waiting import NotYetTrue, eventually
from touchstone.zygote.owner import Forked, PlatformFailed, Zygote, ZygoteDied, tail

READY_TIMEOUT = 30.0
HEALTHY_WITHIN = 2.0

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
        self._existing: dict[str, Made] = {}
        self._being_made = 0
        self._closing = False
        self._changed = threading.Condition()
        self._prefix = prefix
        self._cache_indices = cache_indices
        self._vhosts = VirtualHosts(backing.broker)
        # A sandbox is asked a few times at most: a connection that is kept would never be used.
        self._health = httpx.Client(
            trust_env=False,
            timeout=READY_TIMEOUT,
            verify=trusted(),
            limits=httpx.Limits(max_keepalive_connections=0, max_connections=None),
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
        self._template_folder = folder / f"{prefix}template"
        try:
            self._migrate()
        except BaseException:
            with suppress(Exception):
                self.close()
            raise

    def make(
        self,
        services: Sequence[str] | None = None,
        *,
        apart: bool = False,
        ports: Mapping[str, int] | None = None,
    ) -> Made:
        """Make a sandbox with these services running; None means all of them.

        They run in one process, or `apart`, each in one of its own; on these `ports`, which must
        be free, or on any.

        Raises:
            PlatformFailed: its processes ended or were not ready in time.
        """
        clock = Laps()
        made = self._begin(clock)
        try:
            self._furnish(made, clock)
            chosen = list(self._platform.services) if services is None else list(services)
            groups = {name: [name] for name in chosen} if apart else {TOGETHER: chosen}
            for process, group in groups.items() if chosen else ():
                self._serve(made, process, {each: (ports or {}).get(each, 0) for each in group})
            clock.lap("fork")
            self._wait_until_ready(made, made.sandbox.services)
        except BaseException:
            # What went wrong in the making is the news.
            with suppress(Exception):
                self.drop(made)
            raise
        finally:
            with self._changed:
                self._being_made -= 1
                self._changed.notify_all()
        clock.lap("ready")
        return made

    def _begin(self, clock: Laps) -> Made:
        """Note the sandbox before anything of it exists, so that nothing of it is forgotten."""
        with self._changed:
            if self._closing:
                raise PlatformFailed("the run that asks for a sandbox has ended.")
            self._count += 1
            name = f"{self._prefix}s{self._count}"
            cache_index = self._cache_indices.popleft()
            sandbox = self._describe(name, self._folder / name, cache_index)
            self._existing[name] = made = Made(sandbox, {}, cache_index, clock.seconds)
            self._being_made += 1
        return made

    def _furnish(self, made: Made, clock: Laps) -> None:
        made.sandbox.files.mkdir(parents=True)
        made.sandbox.logs.mkdir()
        vhost = self._threads.submit(self._vhosts.make, made.sandbox.name)
        try:
            self._clone(made.sandbox.name)
            clock.lap("clone")
        finally:
            vhost.result()
        clock.lap("virtual host")

    def alive(self, made: Made) -> bool:
        """Whether all processes run that should."""
        pids = [process.pid for process in made.processes.values()]
        return not pids or len(self._zygote.alive(pids)) == len(pids)

    def healthy(self, made: Made) -> bool:
        """Whether all processes run and all services say that they can work, now."""

        urls = [
            address + self._platform.services[service].health
            for service, address in made.sandbox.services.items()
        ]
        return self.alive(made) and all_answer(urls, HEALTHY_WITHIN)

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

    def start(self, made: Made, process: str, environment: Mapping[str, str]) -> None:
        """Start a process again that was ended, at the addresses that it had.

        `environment` is added to that of the sandbox, for this start.
        """
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
        self._serve(made, process, ports, environment)
        self._wait_until_ready(made, ports)

    def drop(self, made: Made) -> None:
        """Remove everything that the sandbox had; what was removed already is no matter.

        What cannot be removed does not keep the rest from being removed, and is tried again when
        the run ends. Then the first reason is raised.
        """
        name = made.sandbox.name
        with self._changed:
            if name not in self._existing:
                return
        with ExitStack() as steps:
            # They run from the last to the first, whatever becomes of each.
            steps.push(lambda failure, *_: self._forget(made) if failure is None else None)
            steps.callback(shutil.rmtree, self._folder / name, ignore_errors=True)
            for database in self._platform.databases:
                steps.callback(self._drop_database, f"{name}_{database}")
            steps.callback(self._vhosts.drop, name)
            steps.callback(self._flush, made)
            steps.callback(self._end_processes, made)

    def _serve(
        self,
        made: Made,
        process: str,
        ports: Mapping[str, int],
        more: Mapping[str, str] | None = None,
    ) -> None:
        sandbox = made.sandbox
        environment = {**sandbox.environment, **(more or {})}
        made.processes[process] = forked = self._zygote.serve(
            ports, environment, sandbox.files.parent, sandbox.logs / f"{process}.log"
        )
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in forked.ports.items()}
        made.sandbox = replace(sandbox, services={**sandbox.services, **addresses})

    def clear(self, keeping: Collection[str] = ()) -> None:
        """Make no more, and remove every sandbox that is left but for the named ones."""
        with self._changed:
            self._closing = True
            self._changed.wait_for(lambda: not self._being_made)
            left = [made for name, made in self._existing.items() if name not in keeping]
        with ExitStack() as steps:
            for made in left:
                steps.callback(self.drop, made)

    def close(self) -> None:
        """Make no more, and remove every sandbox that is left, and the templates."""
        with ExitStack() as steps:
            for opened in (self._admin, self._replica, self._vhosts, self._health):
                steps.callback(opened.close)
            steps.callback(self._threads.shutdown)
            steps.callback(shutil.rmtree, self._template_folder, ignore_errors=True)
            for database in self._platform.databases:
                steps.callback(self._drop_database, self._template(database))
            steps.callback(self.clear)

    def _end_processes(self, made: Made) -> None:
        # A zygote that has died has taken them along.
        with suppress(ZygoteDied):
            self._zygote.kill([process.pid for process in made.processes.values()])

    def _flush(self, made: Made) -> None:
        with redis.Redis.from_url(made.sandbox.cache) as cache:
            cache.flushdb()

    def _drop_database(self, name: str) -> None:
        self._administer(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def _forget(self, made: Made) -> None:
        with self._changed:
            if self._existing.pop(made.sandbox.name, None):
                self._cache_indices.append(made.cache_index)

    def _template(self, database: str) -> str:
        return f"{self._prefix}template_{database}"

    def _migrate(self) -> None:
        for database in self._platform.databases:
            self._administer(
                sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._template(database)))
            )
        folder = self._template_folder
        folder.mkdir(parents=True)
        environment = self._describe(folder.name, folder, 0).environment
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

        def answer() -> str:
            # The listening socket exists since before the fork: the request waits there until
            # the service takes it, so that there are seldom two.
            try:
                said = self._health.get(url)
            except httpx.TransportError as error:
                if self.alive(made):
                    return str(error)
                raise PlatformFailed(
                    f"the service {service} ended instead of answering GET {path}; "
                    f"it logged:\n{_logged(made)}"
                ) from None
            return f"{said.status_code} {said.text[:500]}"

        try:
            eventually(
                answer,
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


def _logged(made: Made) -> str:
    return "\n".join(tail(process.log) for process in made.processes.values())


def _process(made: Made, name: str) -> Forked:
    if name in made.processes:
        return made.processes[name]
    advice = (
        " To end a service alone, tag the scenario @processes: each service then has a process of "
        "its own."
        if len(made.processes) == 1
        else ""
    )
    raise LookupError(
        f"{name} is no running process of this sandbox; running: "
        f"{', '.join(made.processes) or 'nothing'}.{advice}"
    )
