"""Making and dropping sandboxes, and a pool of some made ahead."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psycopg
import redis
from psycopg import sql

from touchstone.backing import Backing
from touchstone.backing.redis import DATABASES
from touchstone.config import Platform
from touchstone.processes import Forked, PlatformFailed, Zygote, tail
from touchstone.sandbox import Broker, Database, Sandbox, fill_environment
from touchstone.waiting import eventually

READY_TIMEOUT = 30.0


@dataclass(frozen=True)
class Made:
    """A sandbox and what must be undone when it is dropped."""

    sandbox: Sandbox
    processes: tuple[Forked, ...]
    cache_index: int
    seconds: dict[str, float]


class Sandboxes:
    """Cuts sandboxes out of the backing services: clone, virtual host, folder, fork.

    The template databases are migrated once, when the object is made.
    """

    def __init__(self, platform: Platform, backing: Backing, zygote: Zygote, folder: Path) -> None:
        self._platform = platform
        self._backing = backing
        self._zygote = zygote
        self._folder = folder
        self._count = 0
        self._naming = threading.Lock()
        self._cache_indices = deque(range(1, DATABASES))
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

    def make(self, services: Sequence[str] | None = None) -> Made:
        """Make a sandbox with these services running; None means all of them, in one process.

        Raises:
            PlatformFailed: its processes ended or were not ready in time.
        """
        with self._naming:
            self._count += 1
            name = f"s{self._count}"
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
        processes: tuple[Forked, ...] = ()
        if chosen:
            processes = (
                self._zygote.serve(
                    chosen, sandbox.environment, folder, sandbox.logs / "platform.log"
                ),
            )
            clock.lap("fork")
            addresses = {
                service: f"http://127.0.0.1:{port}"
                for process in processes
                for service, port in process.ports.items()
            }
            sandbox = replace(sandbox, services=addresses)
        made = Made(sandbox, processes, cache_index, clock.seconds)
        try:
            self._wait_until_ready(made)
        except PlatformFailed:
            self.drop(made)
            raise
        clock.lap("ready")
        return made

    def alive(self, made: Made) -> bool:
        """Whether all its processes still run."""
        pids = [process.pid for process in made.processes]
        return len(self._zygote.alive(pids)) == len(pids)

    def drop(self, made: Made) -> None:
        """Remove everything that the sandbox had."""
        self._zygote.kill([process.pid for process in made.processes])
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

    def _migrate(self) -> None:
        for database in self._platform.databases:
            self._administer(
                sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"template_{database}"))
            )
        folder = self._folder / "template"
        folder.mkdir(parents=True)
        environment = self._describe("template", folder, 0).environment
        self._zygote.call(self._platform.migrate, environment, folder, folder / "migrate.log")

    def _clone(self, name: str) -> None:
        for database in self._platform.databases:
            # FILE_COPY beats the default WAL_LOG here: with fsync off its checkpoints are cheap.
            self._administer(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(f"{name}_{database}"), sql.Identifier(f"template_{database}")
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

    def _wait_until_ready(self, made: Made) -> None:
        replicated = self._threads.submit(self._wait_for_replica, made.sandbox.name)
        answers = [
            self._threads.submit(
                self._wait_for_service, made, url + self._platform.services[service].health
            )
            for service, url in made.sandbox.services.items()
        ]
        for answer in [replicated, *answers]:
            answer.result()

    def _wait_for_service(self, made: Made, url: str) -> None:
        deadline = time.monotonic() + READY_TIMEOUT
        with httpx.Client(trust_env=False, timeout=READY_TIMEOUT) as client:
            while True:
                # The listening socket exists since before the fork: the request waits there
                # until the service takes it, so this loop seldom turns twice.
                try:
                    answer = client.get(url)
                    if answer.status_code == 200:
                        return
                    said = f"{answer.status_code} {answer.text[:500]}"
                except httpx.TransportError as error:
                    said = str(error)
                if not self.alive(made) or time.monotonic() > deadline:
                    logs = "\n".join(tail(process.log) for process in made.processes)
                    raise PlatformFailed(f"{url} did not become ready ({said}):\n{logs}")

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


class Pool:
    """Sandboxes made ahead of demand, by one background thread.

    It makes no more than `expect` announced, so that a run of one scenario makes one sandbox.
    """

    def __init__(self, sandboxes: Sandboxes, size: int) -> None:
        self._sandboxes = sandboxes
        self._size = size
        self._ready: deque[Made] = deque()
        self._changed = threading.Condition()
        self._expected = 0
        self._dropping: deque[Made] = deque()
        for work in (self._fill, self._clear_away):
            threading.Thread(target=work, daemon=True, name=work.__name__).start()

    def expect(self, count: int) -> None:
        """Announce that `count` sandboxes will be asked for."""
        with self._changed:
            self._expected = count
            self._changed.notify_all()

    def take(self) -> tuple[Made, bool]:
        """A sandbox, and whether it was ready; made from nothing when none is."""
        with self._changed:
            self._expected = max(0, self._expected - 1)
        while True:
            with self._changed:
                made = self._ready.popleft() if self._ready else None
                self._changed.notify_all()
            if made is None:
                return self._sandboxes.make(), False
            if self._sandboxes.alive(made):
                return made, True
            self.drop(made)

    def drop(self, made: Made) -> None:
        """Have a sandbox removed in the background."""
        with self._changed:
            self._dropping.append(made)
            self._changed.notify_all()

    def _fill(self) -> None:
        while True:
            with self._changed:
                while len(self._ready) >= min(self._size, self._expected):
                    self._changed.wait()
            made = None
            with contextlib.suppress(Exception):
                # A scenario that asks for one makes its own then, and is told what went wrong.
                made = self._sandboxes.make()
            with self._changed:
                if made:
                    self._ready.append(made)
                else:
                    self._expected = 0
                self._changed.notify_all()

    def _clear_away(self) -> None:
        while True:
            with self._changed:
                while not self._dropping:
                    self._changed.wait()
                made = self._dropping.popleft()
            with contextlib.suppress(Exception):
                self._sandboxes.drop(made)


class _Laps:
    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self.seconds: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = now - self._last
        self.seconds["total"] = now - self._began
        self._last = now
