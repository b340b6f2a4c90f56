"""Children of the zygote that are new interpreters, where a fork is not safe.

`spawn` begins one, as `python -m touchstone.zygote.spawn`. Its standard input is a pipe from the
zygote: it brings the request, and when it closes the zygote has ended, and so does the child.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from touchstone import json_lines
from touchstone.zygote.child import live, resolve

_lifelines: dict[int, int] = {}


def spawn(request: Mapping[str, Any], listeners: Mapping[str, socket.socket]) -> int:
    """Begin a child that does what the request asks; its process id."""
    numbers = {name: listener.fileno() for name, listener in listeners.items()}
    theirs, ours = os.pipe()
    # What it says before it can open its log belongs there too.
    with open(request["log"], "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "touchstone.zygote.spawn"],
            stdin=theirs,
            stdout=log,
            stderr=log,
            pass_fds=list(numbers.values()),
        )
    os.close(theirs)
    with open(ours, "wb", closefd=False) as pipe:
        pipe.write(json_lines.line({**request, "listeners": numbers}))
    # Open for as long as the child is to live. That it has ended, the zygote finds out itself.
    _lifelines[process.pid] = ours
    process.returncode = 0
    return process.pid


def ended(pid: int) -> None:
    """A child has ended and was collected; it may be one that was not spawned."""
    if pid in _lifelines:
        os.close(_lifelines.pop(pid))


def main() -> None:
    """Import the platform, then do what the request on the standard input asks."""
    with os.fdopen(os.dup(0), "rb") as pipe:
        request = json_lines.read(pipe)
        if request is None:
            return
        threading.Thread(target=_end_with, args=(pipe.fileno(),), daemon=True).start()

        platform = request["spawn"]
        sys.path.insert(0, platform["root"])
        # As in the zygote: before the environment of the child is there.
        for module in platform["preload"]:
            importlib.import_module(module)
        work = resolve(request["call"] if "call" in request else platform["serve"])
        if "serve" in request:
            numbers = request["listeners"].items()
            work = functools.partial(work, {name: _listener(number) for name, number in numbers})
        live(work, request)


def _listener(number: int) -> socket.socket:
    listener = socket.socket(fileno=number)
    listener.setblocking(False)
    return listener


def _end_with(pipe: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(pipe, 1):
            pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
