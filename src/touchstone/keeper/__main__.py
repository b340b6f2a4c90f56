"""The keeper's process: run as `python -m touchstone.keeper`.

Its standard input is its lifeline: when the controller of the run ends, in whatever way, the pipe
closes. The processes of a run reach it on a unix socket, one message a request and one an answer.
What a worker still holds when its connection closes is dropped, and so is all that a run has when
its controller's connection closes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from touchstone import reaping, run, surroundings
from touchstone.backing import providers
from touchstone.backing.servers import BackingUnavailable
from touchstone.json_lines import Channel
from touchstone.keeper.server import Answer, Held, Keeper


def main() -> None:
    """Serve the processes of a run until its controller ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("lock", type=int)
    parser.add_argument("provider")
    parser.add_argument("--stay", action="store_true")
    options = parser.parse_args()
    folder: Path = options.folder
    surroundings.settle()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ[surroundings.VARIABLE] = str(folder)
    try:
        for parent in {folder.parent, *run.parents()}:
            reaping.reap_orphans(parent)
        held_folder = run.RunFolder(folder, options.lock)
        provider = providers.provider(options.provider, folder)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(held_folder.socket))
        listener.listen(64)
    except (BackingUnavailable, OSError) as error:
        # Standard error is what the controller shows.
        sys.exit(str(error))
    keeper = Keeper(options.root, provider, folder, stays=options.stay)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: keeper.over.set())
    threading.Thread(target=_accept, args=(listener, keeper), daemon=True).start()
    threading.Thread(target=_watch_lifeline, args=(keeper,), daemon=True).start()
    # Told to the controller, which waits for it before it starts any worker.
    print("ready", flush=True)
    keeper.over.wait()
    try:
        keeper.close()
    except Exception:
        # What cannot be ended in order is ended all the same.
        traceback.print_exc()
    reaping.remove(folder)
    # Threads may still be waiting for servers that are gone.
    os._exit(0)


def _watch_lifeline(keeper: Keeper) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    keeper.orphan()


def _accept(listener: socket.socket, keeper: Keeper) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_converse, args=(Channel(connection), keeper), daemon=True).start()


def _converse(channel: Channel, keeper: Keeper) -> None:
    held: dict[str, Held] = {}
    owned: list[str] = []
    private = keeper.private_servers()
    requests: dict[str, Callable[..., Answer]] = {
        "own": lambda **more: keeper.own(owned=owned, **more),
        "expect": keeper.expect,
        "backing": keeper.backing,
        "started": keeper.started,
        "sandbox": lambda **more: keeper.sandbox(held=held, **more),
        "private": private.act,
        "status": keeper.status,
        "describe": keeper.describe,
        "open": keeper.open,
        "drop": keeper.drop,
        "stop": keeper.stop,
    }
    for method in (keeper.release, keeper.process, keeper.health, keeper.note, keeper.keep):
        requests[method.__name__] = lambda method=method, **more: method(held, **more)
    with contextlib.closing(channel), contextlib.suppress(OSError):
        for request in channel:
            try:
                answer = requests[request.pop("request")](**request)
            except Exception as error:
                traceback.print_exc()
                answer = {"error": str(error), "kind": type(error).__name__}
            channel.send(answer)
    private.kill()
    for name in list(held):
        keeper.release(held, name)
    for name in owned:
        keeper.leave(name)


if __name__ == "__main__":
    main()
