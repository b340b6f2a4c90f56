"""The zygote: a process that has imported the platform and does nothing else but fork.

Run as `python -m touchstone.zygote` with a JSON description of the platform on the first line of
its control socket (file descriptor 0). It holds no thread, browser or connection, so a fork of it
is safe and costs milliseconds, where starting an interpreter and importing the platform costs
seconds. When its control socket closes it ends, and its children with it.

One request is one JSON line, and so is its answer:

- `{"serve": {"shop": 0}, …}` → `{"pid": 1, "ports": {"shop": 4711}}`; a port of 0 is a free one
- `{"call": "module:function", …}` → `{"status": 0}`
- `{"kill": [pid, …]}` → `{"killed": [pid, …]}` when they are gone
- `{"alive": [pid, …]}` → `{"alive": [pid, …]}`

`serve` and `call` also bring `environment` (variables), `folder` (to work in), `log` (a file) and
`spawn`: false, or the description of the platform again, for a child that is spawned instead of
forked (see `touchstone.spawning`).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from touchstone import spawning, surroundings

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve requests from the control socket until it closes."""
    control = socket.socket(fileno=os.dup(0))
    requests = control.makefile("r", encoding="utf-8")
    platform = json.loads(requests.readline())
    surroundings.settle()
    # A Ctrl-C at the terminal is the controller's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path.insert(0, platform["root"])
    try:
        serve = _import(platform)
    except Exception as error:
        _say_why(error)
        sys.exit(1)
    # Objects that live for ever need no collector; without this, a child's first collection
    # would touch, and so copy, every page it shares with the zygote.
    gc.collect()
    gc.freeze()
    _answer(control, {"ready": True})
    children: set[int] = set()
    for line in requests:
        request = json.loads(line)
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
        _answer(control, answer)
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


def _say_why(error: BaseException) -> None:
    """Print the part of the traceback that is the platform's, and the error."""
    why = traceback.TracebackException.from_exception(error)
    one: traceback.TracebackException | None = why
    while one:
        one.stack = traceback.StackSummary.from_list(
            [frame for frame in one.stack if not _is_ours(frame.filename)]
        )
        one = one.__cause__ or one.__context__
    print("".join(why.format()), end="", file=sys.stderr, flush=True)


def _is_ours(file: str) -> bool:
    return file in (__file__, importlib.__file__) or file.startswith("<frozen ")


def resolve(entry_point: str) -> Callable[..., Any]:
    """The callable that `package.module:function` names."""
    module, _, function = entry_point.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _serve(
    serve: Callable[[Mapping[str, socket.socket]], None],
    request: Mapping[str, Any],
    control: socket.socket,
) -> dict[str, Any]:
    # Bound and listening before the fork: the addresses are known at once, and a request that
    # comes before the service is up waits in the backlog instead of being refused.
    listeners = {name: _listen(port) for name, port in request["serve"].items()}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    pid = spawning.spawn(request, listeners) if request["spawn"] else os.fork()
    if pid == 0:
        child(lambda: serve(listeners), request, control)
    for listener in listeners.values():
        listener.close()
    return {"pid": pid, "ports": ports}


def _call(request: Mapping[str, Any], control: socket.socket) -> dict[str, Any]:
    pid = spawning.spawn(request, {}) if request["spawn"] else os.fork()
    if pid == 0:
        child(resolve(request["call"]), request, control)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    spawning.ended(pid)
    return {"status": status}


def child(work: Callable[[], None], request: Mapping[str, Any], control: socket.socket) -> NoReturn:
    """The life of a child: do `work` in the surroundings that the request gives, then end."""
    status = 1
    try:
        control.close()
        os.setsid()
        _die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        work()
        status = 0
    except SystemExit as exit:
        status = exit.code if isinstance(exit.code, int) else 1
    except BaseException as error:
        _say_why(error)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not sys.exit: what the zygote registered to happen at its exit is not the child's.
        os._exit(status)


def _die_with_parent() -> None:
    """Linux ends this process when the zygote ends; elsewhere the next run reaps a forked one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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
        spawning.ended(pid)
    return ours


def _collect(children: set[int]) -> None:
    for pid in list(children):
        if os.waitpid(pid, os.WNOHANG)[0]:
            children.discard(pid)
            spawning.ended(pid)


def _answer(control: socket.socket, answer: Mapping[str, Any]) -> None:
    control.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
