"""The zygote as its owner sees it: start it, have it fork or spawn, have it kill."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from touchstone import surroundings
from touchstone.config import Platform
from touchstone.json_lines import Channel

STARTS = ("fork", "spawn")


def usual_start(system: str = sys.platform) -> str:
    """How sandboxes' processes begin on a system: `fork` where that is safe, else `spawn`.

    The system libraries of macOS use threads, which a fork does not have.
    """
    return "spawn" if system == "darwin" else "fork"


class PlatformFailed(Exception):
    """The platform could not be imported, migrated or served; the text ends with its own words."""


@dataclass(frozen=True)
class Forked:
    """A process of the platform and the port of each service in it."""

    pid: int
    ports: Mapping[str, int]
    log: Path


class ZygoteDied(PlatformFailed):
    """The process that imports the platform has ended, and its children with it."""


class Zygote:
    """Commands for a zygote process. Safe to use from several threads.

    Its children are forked, or spawned where `start` says so.
    When the process has died, the command that notices raises ZygoteDied, and the next one starts
    another process.
    """

    def __init__(self, platform: Platform, log: Path, start: str = "fork") -> None:
        self._platform = platform
        self._described = {**asdict(platform), "root": str(platform.root)}
        self._spawn = self._described if start == "spawn" else False
        self._log = log
        self._turn = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._channel = Channel(self._ours)
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "touchstone.zygote"],
                stdin=theirs.fileno(),
                stdout=output,
                stderr=output,
                cwd=self._platform.root,
                # A fork copies one thread only, so the zygote must not be given more of them.
                env=surroundings.python(
                    *self._platform.inherit, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1"
                ),
                start_new_session=True,
            )
        theirs.close()
        self._ready = False
        self._dead = False
        self._send(self._described)

    def serve(
        self, ports: Mapping[str, int], environment: Mapping[str, str], folder: Path, log: Path
    ) -> Forked:
        """Begin a process that serves these services, each on its port; a port of 0 is a free one.

        It may not be ready yet.
        """
        answer = self._ask(serve=dict(ports), **self._surroundings(environment, folder, log))
        return Forked(answer["pid"], answer["ports"], log)

    def call(
        self, entry_point: str, environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        """Begin a process that calls `package.module:function`, and wait for its end.

        Raises:
            PlatformFailed: it did not end with status 0.
        """
        answer = self._ask(call=entry_point, **self._surroundings(environment, folder, log))
        if answer["status"]:
            raise PlatformFailed(
                f"{entry_point}() failed with status {answer['status']}:\n{tail(log)}"
            )

    def kill(self, pids: Sequence[int]) -> None:
        """Kill these processes and wait until they are gone."""
        self._ask(kill=list(pids))

    def alive(self, pids: Sequence[int]) -> list[int]:
        """Those of these processes that still run."""
        alive: list[int] = self._ask(alive=list(pids))["alive"]
        return alive

    def close(self) -> None:
        """End the zygote and all its children."""
        with self._turn:
            self._close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        self._process.wait(10)

    def _ask(self, **request: Any) -> dict[str, Any]:
        with self._turn:
            if self._dead:
                self._close()
                self._start()
            if not self._ready:
                self._receive()
                self._ready = True
            self._send(request)
            return self._receive()

    def _surroundings(
        self, environment: Mapping[str, str], folder: Path, log: Path
    ) -> dict[str, Any]:
        return {
            "environment": dict(environment),
            "folder": str(folder),
            "log": str(log),
            "spawn": self._spawn,
        }

    def _send(self, message: Mapping[str, Any]) -> None:
        # Of a process that has just died we learn when its answer does not come.
        with contextlib.suppress(BrokenPipeError):
            self._channel.send(message)

    def _receive(self) -> dict[str, Any]:
        answer = None
        with contextlib.suppress(ConnectionResetError):
            answer = self._channel.receive()
        if answer is None:
            self._dead = True
            raise ZygoteDied(
                "the process that imports the platform "
                f"({', '.join(self._platform.preload)}) ended:\n{tail(self._log)}"
            )
        return answer


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log file, indented."""
    if not log.exists():
        return "  (it logged nothing)"
    text = log.read_text("utf-8", "replace").splitlines()[-lines:]
    return "\n".join(f"  {line}" for line in text) or "  (it logged nothing)"
