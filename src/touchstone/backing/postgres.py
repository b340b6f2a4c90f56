"""A private PostgreSQL primary with a streaming replica."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg

from touchstone.backing.programs import Program, free_ports, path
from touchstone.backing.servers import BackingUnavailable, Server

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
        secret.touch(0o600)
        secret.write_text(self._password)
        if self._primary.user:
            shutil.chown(secret, self._primary.user)
        primary, replica = self._folder / "primary", self._folder / "replica"
        self._primary.run(
            [path("initdb"), "-D", str(primary), "-U", USER, f"--pwfile={secret}", "--auth=md5"]
            + ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8"]
            + ["-c", "password_encryption=md5"] * (_major(path("initdb")) >= 16)
        )
        self._replica.run(["cp", "-R", "-p", str(primary), str(replica)])
        ports = free_ports(2)
        _configure(primary, ports[0], {})
        _configure(replica, ports[1], _following(ports[0], self._password))
        self._primary.start([path("postgres"), "-D", str(primary)])
        self._replica.start([path("postgres"), "-D", str(replica)])
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(_answering, self._primary, self._password, ports[0], began)
            second = pool.submit(_answering, self._replica, self._password, ports[1], began)
            return first.result(), second.result()

    def kill(self) -> None:
        """End both at once, but let them give back the shared memory that they hold."""
        for program in (self._replica, self._primary):
            program.stop(signal.SIGQUIT)


class FurtherReplica:
    """One more replica of a running primary, in one folder."""

    def __init__(self, folder: Path, primary: Server) -> None:
        self._folder = folder
        self._upstream = primary
        self._port = 0
        self._program = Program("postgres-replica", folder, _account())

    def start(self) -> Server:
        """Copy the primary and follow it, or go on where it stopped; returns when it answers."""
        began = time.monotonic()
        if not self._port:
            self._prepare()
        self._program.start([path("postgres"), "-D", str(self._folder / "data")])
        return _answering(self._program, self._upstream.password, self._port, began)

    def stop(self) -> None:
        """End it at once, with all its connections; what it has replayed stays."""
        self._program.stop(signal.SIGQUIT)

    def kill(self) -> None:
        """End it for good, and remove what it kept."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare(self) -> None:
        self._folder.mkdir()
        if self._program.user:
            shutil.chown(self._folder, self._program.user)
        primary, data = self._upstream, self._folder / "data"
        self._program.environment = {"PGPASSWORD": primary.password}
        upstream = ["-h", primary.host, "-p", str(primary.port), "-U", primary.user]
        self._program.run(
            [path("pg_basebackup"), *upstream, "-D", str(data), "--checkpoint=fast", "--no-sync"]
        )
        (self._port,) = free_ports(1)
        _configure(data, self._port, _following(primary.port, primary.password))


def _following(port: int, password: str) -> dict[str, str]:
    """What makes a server the replica of the one on that port."""
    return {
        "primary_conninfo": f"host=127.0.0.1 port={port} user={USER} "
        f"password={password} application_name=replica"
    }


def _configure(data: Path, port: int, more: dict[str, str]) -> None:
    if more:
        (data / "standby.signal").touch()
    settings = {**SETTINGS, **more, "port": str(port)}
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


def _answering(program: Program, password: str, port: int, began: float) -> Server:
    server = Server("127.0.0.1", port, USER, password)

    def version() -> str:
        with psycopg.connect(server.postgresql("postgres"), connect_timeout=5) as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]

    found = program.wait_for(version, timeout=30)
    return replace(server, version=found.split()[0], seconds=time.monotonic() - began)


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
