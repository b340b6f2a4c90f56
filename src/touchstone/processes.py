"""The zygote as its owner sees it: start it, have it fork, have it kill."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from touchstone.config import Platform


class PlatformFailed(Exception):
    """The platform could not be imported, migrated or served; the text ends with its own words."""


@dataclass(frozen=True)
class Forked:
    """A process of the platform and the port of each service in it."""

    pid: int
    ports: Mapping[str, int]
    log: Path


class Zygote:
    """Commands for a zygote process. Safe to use from several threads."""

    def __init__(self, platform: Platform, log: Path) -> None:
        self._platform = platform
        self._log = log
        self._turn = threading.Lock()
        self._ours, theirs = socket.socketpair()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "touchstone.zygote"],
                stdin=theirs.fileno(),
                stdout=output,
                stderr=output,
                cwd=platform.root,
                # A fork copies one thread only, so the zygote must not be given more of them.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )
        theirs.close()
        self._answers = self._ours.makefile("r", encoding="utf-8")
        self._send({**asdict(platform), "root": str(platform.root)})
        self._ready = False

    def serve(
        self, services: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> Forked:
        """Fork a process that serves these services; it may not be ready yet."""
        answer = self._ask(serve=list(services), **_surroundings(environment, folder, log))
        return Forked(answer["pid"], answer["ports"], log)

    def call(
        self, entry_point: str, environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        """Fork a process that calls `package.module:function`, and wait for its end.

        Raises:
            PlatformFailed: it did not end with status 0.
        """
        answer = self._ask(call=entry_point, **_surroundings(environment, folder, log))
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
        self._ours.shutdown(socket.SHUT_RDWR)
        self._ours.close()
        self._process.wait(10)

    def _ask(self, **request: Any) -> dict[str, Any]:
        with self._turn:
            if not self._ready:
                self._receive()
                self._ready = True
            self._send(request)
            return self._receive()

    def _send(self, message: Mapping[str, Any]) -> None:
        self._ours.sendall(json.dumps(message).encode() + b"\n")

    def _receive(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise PlatformFailed(
                "the process that imports the platform "
                f"({', '.join(self._platform.preload)}) ended:\n{tail(self._log)}"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log file, indented."""
    if not log.exists():
        return "  (it logged nothing)"
    text = log.read_text("utf-8", "replace").splitlines()[-lines:]
    return "\n".join(f"  {line}" for line in text) or "  (it logged nothing)"


def _surroundings(environment: Mapping[str, str], folder: Path, log: Path) -> dict[str, Any]:
    return {"environment": dict(environment), "folder": str(folder), "log": str(log)}
