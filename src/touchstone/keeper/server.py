"""The keeper: it owns what a run has started, and outlives nothing of it.

When the controller of the run ends, in whatever way, the keeper removes all processes and the
folder of the run – unless a failed scenario's sandbox is to be kept, or the keeper was told to stay
for further runs (`touchstone up`). `__main__` is its process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from touchstone.backing.private import PrivateServers
from touchstone.backing.redis import DATABASES
from touchstone.backing.servers import Backing, BackingUnavailable, Provider
from touchstone.keeper.owned_sandbox import OwnedSandbox
from touchstone.keeper.runs import Run, start_run
from touchstone.reaping import remove
from touchstone.run import lack_of_room
from touchstone.zygote.owner import PlatformFailed, usual_start

Answer = Mapping[str, Any]

_IS_GONE = "{} is not kept any more: somebody else has dropped it meanwhile."


@dataclasses.dataclass
class Held:
    """A sandbox in somebody's hands. `notes` tell a person how to use it."""

    made: OwnedSandbox
    run: Run
    scenario: str = ""
    notes: list[str] = dataclasses.field(default_factory=list)


class Keeper:
    """Starts things when they are first asked for, and answers requests about them."""

    def __init__(self, root: Path, provider: Provider, folder: Path, *, stays: bool) -> None:
        self._root = root
        self._provider = provider
        self._folder = folder
        self._stays = stays
        self._once = threading.Lock()
        self._threads = ThreadPoolExecutor(4)
        self._backing: Future[Backing] | None = None
        self._runs: dict[str, Future[Run]] = {}
        self._starts: dict[str, str] = {}
        self._over: set[str] = set()
        self._clearing = threading.Lock()
        self._cache_indices = deque(range(1, DATABASES))
        self._numbers = itertools.count(1)
        self._kept: dict[str, Held] = {}
        self._orphaned = False
        self._stopped = False
        self._at_work: set[str] = set()
        self._status = ""
        self._news = threading.Condition()
        self.over = threading.Event()

    # What a run asks for.

    def own(self, run: str, start: str, owned: list[str]) -> Answer:
        """Begin a run, which ends when the asking connection closes.

        Its sandboxes' processes begin as `start` says: `fork` or `spawn`. Answers when nothing is
        left of the runs that have ended before.
        """
        with self._once:
            if self._stopped:
                raise PlatformFailed("these servers are about to end.")
            self._at_work.add(run)
        owned.append(run)
        self._starts[run] = start
        with self._clearing:
            return {}

    def expect(self, run: str, sandboxes: int) -> Answer:
        """Start everything in the background and announce how many sandboxes will be wanted."""
        starting = self._run(run)
        if sandboxes:
            starting.add_done_callback(
                lambda done: None if done.exception() else done.result().pool.expect(sandboxes)
            )
        return {}

    def backing(self) -> Answer:
        """The backing services; waits until they run."""
        return dataclasses.asdict(self._start_backing().result())

    def started(self) -> Answer:
        """The backing services when they run already, else nothing."""
        starting = self._backing
        if starting is None or not starting.done() or starting.exception():
            return {}
        return self.backing()

    def sandbox(
        self,
        run: str,
        held: dict[str, Held],
        services: list[str] | None = None,
        apart: bool = False,
        ports: dict[str, int] | None = None,
    ) -> Answer:
        """A sandbox for the asking connection, with these services, or with all of them.

        One that is to have all in one process, on any ports, may have been made ahead.
        """
        began = time.monotonic()
        asking = self._run(run).result()
        if full := lack_of_room(self._folder):
            raise PlatformFailed(full)
        if services is None and not apart and not ports:
            made, pooled = asking.pool.take()
        else:
            made, pooled = asking.sandboxes.make(services, apart=apart, ports=ports), False
        held[made.sandbox.name] = Held(made, asking)
        return {
            "sandbox": made.sandbox.to_json(),
            "pooled": pooled,
            "waited": time.monotonic() - began,
            "seconds": made.seconds,
        }

    def release(self, held: dict[str, Held], name: str) -> Answer:
        """Have a sandbox removed; does not wait for it."""
        mine = held.pop(name)
        mine.run.pool.drop(mine.made)
        return {}

    def process(
        self,
        held: dict[str, Held],
        name: str,
        process: str,
        action: str,
        environment: dict[str, str],
    ) -> Answer:
        """Stop, kill, freeze, thaw or start one process of a sandbox."""
        mine = held[name]
        if action == "start":
            mine.made.start(process, environment)
        else:
            mine.made.send_signal(process, _SIGNALS[action])
        return {}

    def health(self, held: dict[str, Held], name: str) -> Answer:
        """What is wrong with a sandbox that its scenario has not done; empty when nothing."""
        return {"trouble": lack_of_room(self._folder) or held[name].made.trouble()}

    def note(self, held: dict[str, Held], name: str, text: str) -> Answer:
        """Remember what a person needs to use this sandbox, should it be kept."""
        held[name].notes.append(text)
        return {}

    def keep(self, held: dict[str, Held], name: str, scenario: str) -> Answer:
        """Freeze a sandbox and keep it beyond the run, until `drop`."""
        mine = held.pop(name)
        mine.scenario = scenario
        mine.made.send_signal_to_all(signal.SIGSTOP)
        self._kept[name] = mine
        return {}

    def private_servers(self) -> PrivateServers:
        """For one connection: servers that only its tests use."""
        return PrivateServers(self._provider, self._numbers)

    def status(self, known: str) -> Answer:
        """What is being started; waits until it is another thing than the `known` one."""
        with self._news:
            self._news.wait_for(lambda: self._status != known)
            return {"status": self._status}

    # What people ask for, on the command line.

    def describe(self) -> Answer:
        """What this keeper is, and which sandboxes it keeps."""
        return {
            "root": str(self._root),
            "provider": self._provider.name,
            "stays": self._stays,
            "backing": self.started(),
            "kept": {
                name: {
                    "scenario": held.scenario,
                    "notes": held.notes,
                    "sandbox": held.made.sandbox.to_json(),
                }
                for name, held in self._kept.items()
            },
        }

    def open(self, name: str) -> Answer:
        """Let a kept sandbox run on."""
        held = self._kept.get(name)
        if held is None:
            raise PlatformFailed(_IS_GONE.format(name))
        held.made.send_signal_to_all(signal.SIGCONT)
        return {}

    def drop(self, name: str) -> Answer:
        """Remove a kept sandbox; a keeper that has nothing else to keep ends."""
        with self._clearing:
            held = self._kept.pop(name, None)
            if held is None:
                raise PlatformFailed(_IS_GONE.format(name))
            held.run.sandboxes.drop(held.made)
            if held.run.over and not self._kept_of(held.run):
                held.run.end()
        self._end_if_idle()
        return {}

    def stop(self) -> Answer:
        """End with everything, after the runs that are at work here; answers how many those are."""
        with self._once:
            self._stopped, self._stays = True, False
            at_work = len(self._at_work)
        if not at_work:
            self.over.set()
        for name in list(self._kept) if at_work else ():
            with contextlib.suppress(PlatformFailed):
                self.drop(name)
        return {"at_work": at_work}

    # The life of the keeper.

    def orphan(self) -> None:
        """The controller has ended."""
        self._orphaned = True
        self._end_if_idle()

    def _end_run(self, run: str) -> None:
        """Remove what the run had, but for the sandboxes that it keeps and the zygote of those."""
        with self._clearing:
            with self._once:
                # Its workers may not know yet, and ask for more.
                self._over.add(run)
                starting = self._runs.pop(run, None)
            # Its workers and browsers; what it keeps has another place.
            remove(self._folder / run)
            if starting is None or starting.exception():
                return
            ended = starting.result()
            ended.end(self._kept_of(ended))

    def leave(self, run: str) -> None:
        """Its connection has closed."""
        self._end_run(run)
        with self._once:
            self._at_work.discard(run)
            is_last = self._stopped and not self._at_work
        if is_last:
            self.over.set()

    def close(self) -> None:
        """End what was started."""
        self._provider.stop()

    def _kept_of(self, run: Run) -> list[str]:
        return [name for name, held in self._kept.items() if held.run is run]

    def _end_if_idle(self) -> None:
        waits = self._stopped and self._at_work
        if self._orphaned and not self._stays and not self._kept and not waits:
            self.over.set()

    def _start_backing(self) -> Future[Backing]:
        with self._once:
            # What failed once may work now: a kept keeper must not keep the failure.
            if self._backing is None or (self._backing.done() and self._backing.exception()):
                self._backing = self._threads.submit(self._provide)
            return self._backing

    def _provide(self) -> Backing:
        if missing := self._provider.missing():
            raise BackingUnavailable(missing)
        return self._provider.start(self._say)

    def _run(self, run: str) -> Future[Run]:
        starting = self._start_backing()
        with self._once:
            if run in self._over:
                raise PlatformFailed("the run that asks has ended.")
            if run not in self._runs:
                self._runs[run] = self._threads.submit(
                    start_run,
                    self._root,
                    self._place(run),
                    starting,
                    start=self._starts.get(run, usual_start()),
                    prefix=run,
                    cache_indices=self._cache_indices,
                    say=self._say,
                )
            return self._runs[run]

    def _place(self, run: str) -> Path:
        """Where the files are that a run has here."""
        return self._folder / "runs" / (run or "run")

    def _say(self, status: str) -> None:
        with self._news:
            self._status = status
            self._news.notify_all()


_SIGNALS = {
    "stop": signal.SIGTERM,
    "kill": signal.SIGKILL,
    "freeze": signal.SIGSTOP,
    "thaw": signal.SIGCONT,
}
