"""A sandbox as the keeper owns it: whoever has it rules over its processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from touchstone.config import Platform
from touchstone.keeper.health import Readiness, all_answer
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually
from touchstone.zygote.owner import Forked, Zygote, ZygoteDied, tail

END_TIMEOUT = 30.0
HEALTHY_WITHIN = 2.0

TOGETHER = "platform"
"""The name of the one process that runs all services, where they do not run apart."""


class OwnedSandbox:
    """A sandbox, its processes, and what must be undone when it is dropped.

    `sandbox` is what tests see of it, and gets the address of a service when that begins.
    `processes` are those that run, by name, without those that its scenario has ended.
    `seconds` says how long each part of its making took.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        cache_index: int,
        seconds: dict[str, float],
        *,
        platform: Platform,
        zygote: Zygote,
        readiness: Readiness,
    ) -> None:
        self.sandbox = sandbox
        self.cache_index = cache_index
        self.seconds = seconds
        self.processes: dict[str, Forked] = {}
        self._platform = platform
        self._zygote = zygote
        self._readiness = readiness

    def begin(self, services: Sequence[str], *, apart: bool, ports: Mapping[str, int]) -> None:
        """Begin these services in one process, or `apart`, each in one of its own.

        They listen on these `ports`, which must be free, or on any. They may not be ready yet.
        """
        groups = {name: [name] for name in services} if apart else {TOGETHER: services}
        for process, group in groups.items() if services else ():
            self._serve(process, {name: ports.get(name, 0) for name in group})

    def wait_until_ready(self, services: Iterable[str] | None = None) -> None:
        """Wait until these services, by default all that have begun, say that they can work.

        Raises:
            PlatformFailed: a process ended, or a service was not ready in time.
        """
        begun = self.sandbox.services
        self._readiness.wait(
            {
                service: begun[service] + self._platform.services[service].health
                for service in (begun if services is None else services)
            },
            runs=self.alive,
            logged=self.logged,
        )

    def alive(self) -> bool:
        """Whether all processes run that should."""
        pids = [process.pid for process in self.processes.values()]
        return not pids or len(self._zygote.alive(pids)) == len(pids)

    def healthy(self) -> bool:
        """Whether all processes run and all services say that they can work, now."""
        urls = [
            address + self._platform.services[service].health
            for service, address in self.sandbox.services.items()
        ]
        return self.alive() and all_answer(urls, HEALTHY_WITHIN)

    def send_signal(self, process: str, number: signal.Signals) -> None:
        """Send a signal to one process; one that ends it is waited for.

        Raises:
            LookupError: the sandbox has no such process running.
        """
        forked = self._process(process)
        if number == signal.SIGKILL:
            del self.processes[process]
            self._zygote.kill([forked.pid])
            return
        os.kill(forked.pid, number)
        if number == signal.SIGTERM:
            del self.processes[process]
            eventually(
                lambda: self._zygote.alive([forked.pid]),
                until=lambda alive: not alive,
                timeout=END_TIMEOUT,
                describe=f"{process} ends",
            )

    def send_signal_to_all(self, number: signal.Signals) -> None:
        """Send a signal to every process."""
        for process in list(self.processes):
            self.send_signal(process, number)

    def start(self, process: str, environment: Mapping[str, str]) -> None:
        """Start a process again that was ended, at the addresses that it had.

        `environment` is added to that of the sandbox, for this start.
        """
        services = [process] if process != TOGETHER else list(self.sandbox.services)
        ports = {
            name: int(self.sandbox.services[name].rpartition(":")[2])
            for name in services
            if name in self.sandbox.services
        }
        if process in self.processes or not ports:
            raise LookupError(
                f"{process} cannot be started: it runs already, or this sandbox never had it; "
                f"running: {', '.join(self.processes) or 'nothing'}."
            )
        self._serve(process, ports, environment)
        self.wait_until_ready(ports)

    def end(self) -> None:
        """End every process at once."""
        # A zygote that has died has taken them along.
        with suppress(ZygoteDied):
            self._zygote.kill([process.pid for process in self.processes.values()])

    def trouble(self) -> str:
        """What has happened to the processes that the scenario has not done, and what they logged.

        Empty when nothing has.
        """
        try:
            if self.alive():
                return ""
            trouble = "a process of the platform ended by itself"
        except ZygoteDied as error:
            trouble = str(error)
        return f"{trouble}; it logged:\n{self.logged()}"

    def logged(self) -> str:
        """The end of what each process that runs has logged."""
        return "\n".join(tail(process.log) for process in self.processes.values())

    def _serve(
        self, process: str, ports: Mapping[str, int], more: Mapping[str, str] | None = None
    ) -> None:
        sandbox = self.sandbox
        environment = {**sandbox.environment, **(more or {})}
        self.processes[process] = forked = self._zygote.serve(
            ports, environment, sandbox.files.parent, sandbox.logs / f"{process}.log"
        )
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in forked.ports.items()}
        self.sandbox = replace(sandbox, services={**sandbox.services, **addresses})

    def _process(self, name: str) -> Forked:
        if name in self.processes:
            return self.processes[name]
        advice = (
            " To end a service alone, tag the scenario @processes: each service then has a process "
            "of its own."
            if len(self.processes) == 1
            else ""
        )
        raise LookupError(
            f"{name} is no running process of this sandbox; running: "
            f"{', '.join(self.processes) or 'nothing'}.{advice}"
        )
