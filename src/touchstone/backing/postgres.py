"""A private PostgreSQL primary with a streaming replica."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from touchstone.backing import BackingUnavailable, Server
from touchstone.backing.programs import Program, free_ports, path

USER = "touchstone"

SETTINGS = {
    # The data lives as long as the run: durability across a power cut buys nothing here.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "500",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "1h",
    "wal_level": "replica",
    "wal_keep_size": "256MB",
    "hot_standby": "on",
    # A replica that waits for its readers would let them see the past for up to 30 s.
    "max_standby_streaming_delay": "1s",
    "password_encryption": "md5",
    "log_min_messages": "warning",
    "autovacuum": "off",
    "jit": "off",
    # In the data folder, so that nothing of a killed server outlasts it.
    "dynamic_shared_memory_type": "mmap",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class Postgres:
    """A primary and its replica, in one folder."""

    def __init__(self, folder: Path, password: str) -> None:
        self._folder = folder
        self._password = password
        user = _account()
        self._primary = Program("postgres-primary", folder, user)
        self._replica = Program("postgres-replica", folder, user)

    def start(self) -> tuple[Server, Server]:
        """Make both and start both; returns when both answer.

        The replica starts from a copy of the files that `initdb` made. They are those of a server
        that was shut down in order, which is what a base backup brings, and both can start at once.
        """
        began = time.monotonic()
        self._folder.mkdir()
        if self._primary.user:
            shutil.chown(self._folder, self._primary.user)
        secret = self._folder / "password"
        secret.write_text(self._password)
        primary, replica = self._folder / "primary", self._folder / "replica"
        self._primary.run(
            [path("initdb"), "-D", str(primary), "-U", USER, f"--pwfile={secret}", "--auth=md5"]
            + ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8"]
            + ["-c", "password_encryption=md5"] * (_major(path("initdb")) >= 16)
        )
        self._replica.run(["cp", "-R", "-p", str(primary), str(replica)])
        ports = free_ports(2)
        self._start(self._primary, primary, ports[0], {})
        self._start(
            self._replica,
            replica,
            ports[1],
            {
                "primary_conninfo": f"host=127.0.0.1 port={ports[0]} user={USER} "
                f"password={self._password} application_name=replica"
            },
        )
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(self._answering, self._primary, ports[0], began)
            second = pool.submit(self._answering, self._replica, ports[1], began)
            return first.result(), second.result()

    def kill(self) -> None:
        """End both at once, but let them give back the shared memory that they hold."""
        for program in (self._replica, self._primary):
            program.stop(signal.SIGQUIT)

    def _start(self, program: Program, data: Path, port: int, more: dict[str, str]) -> None:
        if more:
            (data / "standby.signal").touch()
        settings = {**SETTINGS, **more, "port": str(port)}
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        program.start([path("postgres"), "-D", str(data)])

    def _answering(self, program: Program, port: int, began: float) -> Server:
        address = f"postgresql://{USER}:{self._password}@127.0.0.1:{port}/postgres"

        def version() -> str:
            with psycopg.connect(address, connect_timeout=5) as connection:
                return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]

        found = program.wait_for(version, timeout=30)
        return Server(
            host="127.0.0.1",
            port=port,
            user=USER,
            password=self._password,
            version=found.split()[0],
            seconds=time.monotonic() - began,
        )


def _account() -> str | None:
    """The account to run PostgreSQL as, which refuses to run as root; None means ours."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise BackingUnavailable(
        "PostgreSQL refuses to run as root, and this machine has neither a user postgres nor a "
        "user nobody to run it as: add one (adduser --system postgres) or run as another user."
    )


def _major(program: str) -> int:
    digits = [part for part in Path(program).parts if part.isdigit()]
    return int(digits[0]) if digits else 0
