"""Programs of the machine: where they are, which packages have them, how to start them."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from touchstone import surroundings
from touchstone.backing.servers import BackingUnavailable

T = TypeVar("T")

_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/lib/rabbitmq/bin",
    "/opt/homebrew/sbin",
    "/usr/local/sbin",
    "/usr/sbin",
)

_PACKAGES = {
    "initdb": "postgresql",
    "postgres": "postgresql",
    "rabbitmq-server": "rabbitmq-server",
    "epmd": "erlang-base",
    "redis-server": "redis-server",
}


def find(name: str) -> str | None:
    """The program's path; the newest where the machine has several versions."""
    for pattern in _PLACES:
        for folder in sorted(Path("/").glob(pattern[1:]), key=_version, reverse=True):
            if os.access(folder / name, os.X_OK):
                return str(folder / name)
    return shutil.which(name)


def path(name: str) -> str:
    """The program's path.

    Raises:
        BackingUnavailable: the machine does not have it.
    """
    if found := find(name):
        return found
    raise BackingUnavailable(missing() or f"{name} was not found.")


def versions() -> str:
    """What is installed and where, in one line."""
    servers = {"PostgreSQL": "postgres", "RabbitMQ": "rabbitmq-server", "Redis": "redis-server"}
    return ", ".join(
        f"{title} {_version_of(program)} ({program})"
        if (program := find(name))
        else f"{title} is not installed"
        for title, name in servers.items()
    )


def _version_of(program: str) -> str:
    # RabbitMQ would start an Erlang machine to say it; its folder is named for its version.
    if program.endswith("rabbitmq-server"):
        found = re.search(r"rabbitmq_server-([\d.]+)", str(Path(program).resolve()))
        return found.group(1) if found else ""
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found.group() if found else ""


def missing() -> str | None:
    """What to install so that the native provider can work; None when all is there."""
    absent = [name for name in _PACKAGES if find(name) is None]
    if not absent:
        return None
    packages = " ".join(dict.fromkeys(_PACKAGES[name] for name in absent))
    return (
        f"the native backing services need programs that are not installed: {', '.join(absent)}.\n"
        f"  Debian, Ubuntu:  sudo apt-get install --no-install-recommends {packages}\n"
        "  or:              make test   (installs them)\n"
        "  or, with Docker: pytest --backing containers"
    )


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nothing listens, outside the range of outgoing connections.

    Two runs that ask at once get different ones: each port is claimed until the server that it is
    for has had plenty of time to open it.
    """
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            candidate = random.SystemRandom().randrange(20_000, 32_000)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", candidate))
                _claims.append(_claim(candidate))
                found.append(candidate)
    while len(_claims) > _MOST_CLAIMS:
        os.close(_claims.popleft())
    return found


def claimed(port: int, until: contextlib.ExitStack) -> bool:
    """Whether nothing listens on a port of 127.0.0.1 and it is ours now, `until` that is closed."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
        until.callback(os.close, _claim(port))
    except OSError:
        return False
    return True


_MOST_CLAIMS = 256
_claims: deque[int] = deque()


def _claim(port: int) -> int:
    """A file that holds the claim while it is open. Raises OSError when somebody else has it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        if sys.platform == "linux":  # elsewhere there are no names that end with their process
            claim.bind(f"\0touchstone-port-{port}")
        return claim.detach()


@dataclass
class Program:
    """A server process of a run, in a session of its own, with its output in a file.

    `user` is the account that it runs as, where that must be another than ours.
    """

    name: str
    folder: Path
    user: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> Path:
        """The file with what the program printed."""
        return self.folder / f"{self.name}.log"

    def run(self, command: Sequence[str]) -> None:
        """Run a command to its end.

        Raises:
            BackingUnavailable: it failed; the text ends with what it printed.
        """
        with self.output.open("ab") as output:
            status = self._popen(command, output).wait()
        if status:
            raise BackingUnavailable(f"{' '.join(command)} failed ({status}):\n{self.tail()}")

    def start(self, command: Sequence[str]) -> None:
        """Start the server."""
        with self.output.open("ab") as output:
            self.process = self._popen(command, output)

    def wait_for(self, probe: Callable[[], T], timeout: float) -> T:
        """Ask until the server answers.

        Raises:
            BackingUnavailable: it ended, or did not answer in time; the text ends with what it
                printed.
        """
        process = self.process
        assert process is not None, f"{self.name} was not started"
        deadline = time.monotonic() + timeout
        while True:
            try:
                return probe()
            except Exception as error:
                if time.monotonic() > deadline:
                    reason = f"did not answer within {timeout:.0f} s ({error})"
                    break
            with contextlib.suppress(subprocess.TimeoutExpired):
                reason = f"ended with status {process.wait(0.02)}"
                break
        raise BackingUnavailable(f"{self.name} {reason}:\n{self.tail()}")

    def tail(self, lines: int = 20) -> str:
        """The end of what the program printed."""
        with contextlib.suppress(FileNotFoundError):
            text = self.output.read_text("utf-8", "replace")
            return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
        return ""

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = 30) -> None:
        """Ask the server to end and wait until it has; kill it when it does not."""
        if self.process is not None:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout)
            self.kill()

    def kill(self) -> None:
        """End the server's whole session at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            # Its number may soon be another's.
            self.process = None

    def _popen(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=surroundings.made(surroundings.SERVERS) | dict(self.environment),
            user=self.user,
            # A group is seldom named for its user: that of `nobody` is `nogroup` on Debian.
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            start_new_session=True,
        )


def _version(folder: Path) -> list[int]:
    return [int(part) for part in folder.parent.name.replace("-", ".").split(".") if part.isdigit()]
