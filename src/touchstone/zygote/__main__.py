"""The zygote: a process that has imported the platform and does nothing else but fork.

Run as `python -m touchstone.zygote`; the first message on its control socket (file descriptor 0)
describes the platform. It holds no thread, browser or connection, so a fork of it
is safe and costs milliseconds, where starting an interpreter and importing the platform costs
seconds. When its control socket closes it ends, and its children with it.

One request is one message, and so is its answer:

- `{"serve": {"shop": 0}, …}` → `{"pid": 1, "ports": {"shop": 4711}}`; a port of 0 is a free one
- `{"call": "module:function", …}` → `{"status": 0}`
- `{"kill": [pid, …]}` → `{"killed": [pid, …]}` when they are gone
- `{"alive": [pid, …]}` → `{"alive": [pid, …]}`

`serve` and `call` also bring `environment` (variables), `folder` (to work in), `log` (a file) and
`spawn`: false, or the description of the platform again, for a child that `touchstone.zygote.spawn`
begins, instead of a fork.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from touchstone import surroundings
from touchstone.json_lines import Channel
from touchstone.zygote import spawn
from touchstone.zygote.child import live, resolve, say_why


def main() -> None:
    """Serve requests from the control socket until it closes."""
    control = Channel(socket.socket(fileno=os.dup(0)))
    platform = control.receive()
    if platform is None:
        return
    surroundings.settle()
    # A Ctrl-C at the terminal is the controller's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path.insert(0, platform["root"])
    try:
        serve = _import(platform)
    except Exception as error:
        say_why(error)
        sys.exit(1)
    # Objects that live for ever need no collector; without this, a child's first collection
    # would touch, and so copy, every page it shares with the zygote.
    gc.collect()
    gc.freeze()
    control.send({"ready": True})
    children: set[int] = set()
    for request in control:
        _collect(children)
        if "serve" in request:
            answer = _serve(serve, request, control)
            children.add(answer["pid"])
        elif "call" in request:
            answer = _call(request, control)
        elif "kill" in request:
            answer = {"killed": _kill(request["kill"], children)}
        else:
            answer = {"alive": [pid for pid in request["alive"] if pid in children]}
        control.send(answer)
    _kill(list(children), children)


def _import(platform: Mapping[str, Any]) -> Callable[..., Any]:
    """Import what children must reach for at once, here, once; returns what serves."""
    named: list[tuple[str, str]] = [("preload", module) for module in platform["preload"]]
    named += [("migrate", platform["migrate"]), ("serve", platform["serve"])]
    for key, value in named:
        try:
            found: Any = importlib.import_module(value) if key == "preload" else resolve(value)
        except Exception as error:
            error.add_note(
                f"[tool.touchstone] {key} names {value}, looked for from {platform['root']}"
            )
            raise
        if others := [each.name for each in threading.enumerate()[1:]]:
            raise RuntimeError(
                f"{value} starts threads when it is imported ({', '.join(others)}). The processes "
                "of a sandbox are forked, and a fork has none of them: start them in serve()."
            )
    serve: Callable[..., Any] = found
    return serve


def _serve(
    serve: Callable[[Mapping[str, socket.socket]], None],
    request: Mapping[str, Any],
    control: Channel,
) -> dict[str, Any]:
    # Bound and listening before the fork: the addresses are known at once, and a request that
    # comes before the service is up waits in the backlog instead of being refused.
    listeners = {name: _listen(port) for name, port in request["serve"].items()}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    pid = spawn.spawn(request, listeners) if request["spawn"] else os.fork()
    if pid == 0:
        live(lambda: serve(listeners), request, control)
    for listener in listeners.values():
        listener.close()
    return {"pid": pid, "ports": ports}


def _call(request: Mapping[str, Any], control: Channel) -> dict[str, Any]:
    pid = spawn.spawn(request, {}) if request["spawn"] else os.fork()
    if pid == 0:
        live(resolve(request["call"]), request, control)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    spawn.ended(pid)
    return {"status": status}


def _listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    listener.setblocking(False)
    return listener


def _kill(pids: Sequence[int], children: set[int]) -> list[int]:
    ours = [pid for pid in pids if pid in children]
    for pid in ours:
        # The child leads a group of its own, so what it started goes with it – unless it was
        # forked so recently that it has not made the group yet.
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                end(pid, signal.SIGKILL)
    for pid in ours:
        os.waitpid(pid, 0)
        children.discard(pid)
        spawn.ended(pid)
    return ours


def _collect(children: set[int]) -> None:
    for pid in list(children):
        if os.waitpid(pid, os.WNOHANG)[0]:
            children.discard(pid)
            spawn.ended(pid)


if __name__ == "__main__":
    main()
