"""Making and dropping sandboxes."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import redis

from touchstone.backing.servers import Backing
from touchstone.backing.vhosts import VirtualHosts
from touchstone.config import Platform
from touchstone.keeper.databases import Databases
from touchstone.keeper.health import Readiness
from touchstone.keeper.laps import Laps
from touchstone.keeper.owned_sandbox import OwnedSandbox
from touchstone.sandbox import Broker, Sandbox, fill_environment
from touchstone.zygote.owner import PlatformFailed, Zygote


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
        self._existing: dict[str, OwnedSandbox] = {}
        self._being_made = 0
        self._closing = False
        self._changed = threading.Condition()
        self._prefix = prefix
        self._cache_indices = cache_indices
        self._template = f"{prefix}template"
        self._threads = ThreadPoolExecutor(8)
        self._readiness = Readiness()
        self._vhosts = VirtualHosts(backing.broker)
        self._databases = Databases(backing, platform.databases, self._template)
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
    ) -> OwnedSandbox:
        """Make a sandbox with these services running; None means all of them.

        They run in one process, or `apart`, each in one of its own; on these `ports`, which must
        be free, or on any.

        Raises:
            PlatformFailed: its processes ended or were not ready in time.
        """
        clock = Laps()
        made = self._note(clock)
        try:
            self._furnish(made.sandbox, clock)
            chosen = self._platform.services if services is None else services
            made.begin(list(chosen), apart=apart, ports=ports or {})
            clock.lap("fork")
            self._databases.wait_for_replica(made.sandbox.name)
            made.wait_until_ready()
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

    def _note(self, clock: Laps) -> OwnedSandbox:
        """Note the sandbox before anything of it exists, so that nothing of it is forgotten."""
        with self._changed:
            if self._closing:
                raise PlatformFailed("the run that asks for a sandbox has ended.")
            self._count += 1
            name = f"{self._prefix}s{self._count}"
            cache_index = self._cache_indices.popleft()
            self._existing[name] = made = OwnedSandbox(
                self._describe(name, cache_index),
                cache_index,
                clock.seconds,
                platform=self._platform,
                zygote=self._zygote,
                readiness=self._readiness,
            )
            self._being_made += 1
        return made

    def _furnish(self, sandbox: Sandbox, clock: Laps) -> None:
        """Make all that it has but its processes."""
        sandbox.files.mkdir(parents=True)
        sandbox.logs.mkdir()
        vhost = self._threads.submit(self._vhosts.make, sandbox.name)
        try:
            self._databases.clone(sandbox.name)
            clock.lap("clone")
        finally:
            vhost.result()
        clock.lap("virtual host")

    def drop(self, made: OwnedSandbox) -> None:
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
            steps.callback(self._databases.drop, name)
            steps.callback(self._vhosts.drop, name)
            steps.callback(_flush, made.sandbox.cache)
            steps.callback(made.end)

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
            for opened in (self._databases, self._vhosts, self._readiness):
                steps.callback(opened.close)
            steps.callback(self._threads.shutdown)
            steps.callback(shutil.rmtree, self._folder / self._template, ignore_errors=True)
            steps.callback(self._databases.drop, self._template)
            steps.callback(self.clear)

    def _forget(self, made: OwnedSandbox) -> None:
        with self._changed:
            if self._existing.pop(made.sandbox.name, None):
                self._cache_indices.append(made.cache_index)

    def _migrate(self) -> None:
        self._databases.make_templates()
        folder = self._folder / self._template
        folder.mkdir(parents=True)
        environment = self._describe(self._template, 0).environment
        self._zygote.call(self._platform.migrate, environment, folder, folder / "migrate.log")

    def _describe(self, name: str, cache_index: int) -> Sandbox:
        server, folder = self._backing.broker, self._folder / name
        databases = self._databases.addresses(name)
        broker = Broker(
            amqp=server.amqp(name),
            management=server.management_url,
            vhost=name,
            user=server.user,
            password=server.password,
        )
        cache = self._backing.cache_url(cache_index)
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


def _flush(url: str) -> None:
    with redis.Redis.from_url(url) as cache:
        cache.flushdb()
