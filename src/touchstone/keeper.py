"""The keeper: the process that owns what a run has started, and outlives nothing of it.

Run as `python -m touchstone.keeper`. Its standard input is its lifeline: when the controller of
the run ends, in whatever way, the pipe closes and the keeper removes all processes and the folder
of the run. The workers of the run reach it on a unix socket, one JSON line a request and one an
answer; what a worker still holds when its connection closes is dropped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from touchstone import backing, config, run
from touchstone.backing import Backing, BackingUnavailable, PrivateBroker, Provider
from touchstone.processes import Zygote
from touchstone.sandboxes import Made, Pool, Sandboxes

Answer = Mapping[str, Any]


class Keeper:
    """Starts things when they are first asked for, and answers requests about them."""

    def __init__(self, platform: config.Platform, provider: Provider, folder: Path) -> None:
        self._platform = platform
        self._provider = provider
        self._folder = folder
        self._once = threading.Lock()
        self._threads = ThreadPoolExecutor(2)
        self._starting: Future[tuple[Backing, Sandboxes, Pool]] | None = None
        self._brokers: dict[str, PrivateBroker] = {}
        self._status = ""
        self._news = threading.Condition()

    def expect(self, sandboxes: int) -> Answer:
        """Start everything in the background and announce how many sandboxes will be wanted."""
        starting = self._start()
        if sandboxes:
            starting.add_done_callback(
                lambda done: None if done.exception() else done.result()[2].expect(sandboxes)
            )
        return {}

    def backing(self) -> Answer:
        """The backing services; waits until they run."""
        return dataclasses.asdict(self._start().result()[0])

    def started(self) -> Answer:
        """The backing services when they run already, else nothing."""
        starting = self._starting
        if starting is None or not starting.done() or starting.exception():
            return {}
        return self.backing()

    def sandbox(self, held: dict[str, Made], services: list[str] | None = None) -> Answer:
        """A sandbox for the asking connection, with some services or all (None)."""
        began = time.monotonic()
        _, sandboxes, pool = self._start().result()
        made, pooled = pool.take() if services is None else (sandboxes.make(services), False)
        held[made.sandbox.name] = made
        return {
            "sandbox": made.sandbox.to_json(),
            "pooled": pooled,
            "waited": time.monotonic() - began,
            "seconds": made.seconds,
        }

    def release(self, held: dict[str, Made], name: str) -> Answer:
        """Have a sandbox removed; does not wait for it."""
        self._start().result()[2].drop(held.pop(name))
        return {}

    def private_broker(self, name: str, action: str) -> Answer:
        """Start, stop, start again or end a RabbitMQ of one test's own."""
        self._start().result()
        broker = self._brokers.get(name)
        if broker is None:
            broker = self._brokers[name] = self._provider.private_broker(name)
        if action == "start":
            return dataclasses.asdict(broker.start())
        if action == "stop":
            broker.stop()
        else:
            broker.kill()
            del self._brokers[name]
        return {}

    def status(self, known: str) -> Answer:
        """What is being started; waits until it is another thing than the `known` one."""
        with self._news:
            self._news.wait_for(lambda: self._status != known)
            return {"status": self._status}

    def close(self) -> None:
        """End what was started."""
        self._provider.stop()

    def _start(self) -> Future[tuple[Backing, Sandboxes, Pool]]:
        with self._once:
            if self._starting is None:
                self._starting = self._threads.submit(self._start_everything)
            return self._starting

    def _start_everything(self) -> tuple[Backing, Sandboxes, Pool]:
        if missing := self._provider.missing():
            raise BackingUnavailable(missing)
        # The platform is imported while the servers start.
        zygote = Zygote(self._platform, self._folder / "zygote.log")
        started = self._provider.start(self._say)
        self._say("migrating the template databases")
        sandboxes = Sandboxes(self._platform, started, zygote, self._folder / "sandboxes")
        self._say("")
        return started, sandboxes, Pool(sandboxes, size=os.cpu_count() or 1)

    def _say(self, status: str) -> None:
        with self._news:
            self._status = status
            self._news.notify_all()


def main() -> None:
    """Serve the workers of one run until its controller ends."""
    folder, root = Path(sys.argv[1]), Path(sys.argv[2])
    lock, provider_name = int(sys.argv[3]), sys.argv[4]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.close(0))
    os.environ[run.VARIABLE] = str(folder)
    for parent in {folder.parent, *run.parents()}:
        run.reap_orphans(parent)
    held_folder = run.RunFolder(folder, lock)
    provider = backing.provider(provider_name, held_folder)
    keeper = Keeper(config.load(root / "pyproject.toml"), provider, folder)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(held_folder.socket))
    listener.listen(64)
    threading.Thread(target=_accept, args=(listener, keeper), daemon=True).start()
    # Told to the controller, which waits for it before it starts any worker.
    print("ready", flush=True)
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    keeper.close()
    run.remove(folder)
    # Threads may still be waiting for servers that are gone.
    os._exit(0)


def _accept(listener: socket.socket, keeper: Keeper) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_converse, args=(connection, keeper), daemon=True).start()


def _converse(connection: socket.socket, keeper: Keeper) -> None:
    held: dict[str, Made] = {}
    requests: dict[str, Callable[..., Answer]] = {
        "expect": keeper.expect,
        "backing": keeper.backing,
        "started": keeper.started,
        "sandbox": lambda **more: keeper.sandbox(held, **more),
        "release": lambda **more: keeper.release(held, **more),
        "private_broker": keeper.private_broker,
        "status": keeper.status,
    }
    with connection, contextlib.suppress(OSError):
        for line in connection.makefile("r", encoding="utf-8"):
            request = json.loads(line)
            try:
                answer = requests[request.pop("request")](**request)
            except Exception as error:
                traceback.print_exc()
                answer = {"error": str(error), "kind": type(error).__name__}
            connection.sendall(json.dumps(answer).encode() + b"\n")
    for name in list(held):
        keeper.release(held, name)


if __name__ == "__main__":
    main()
