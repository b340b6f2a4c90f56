"""A private Redis."""

from __future__ import annotations

import time
from pathlib import Path

import redis

from touchstone.backing.programs import Program, free_ports, path
from touchstone.backing.servers import Server

DATABASES = 1024
"""How many numbered databases there are, and so how many sandboxes at one time."""


class Redis:
    """One Redis without persistence, in one folder."""

    def __init__(self, folder: Path, password: str) -> None:
        self._folder = folder
        self._password = password
        self._program = Program("redis", folder)

    def start(self) -> Server:
        """Start it; returns when it answers."""
        began = time.monotonic()
        self._folder.mkdir()
        (port,) = free_ports(1)
        configuration = self._folder / "redis.conf"
        # A file, so that the password is on no command line.
        configuration.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {self._password}\n"
            f'databases {DATABASES}\nsave ""\nappendonly no\ndir {self._folder}\n'
        )
        configuration.chmod(0o600)
        self._program.start([path("redis-server"), str(configuration)])
        client = redis.Redis(host="127.0.0.1", port=port, password=self._password)
        version = self._program.wait_for(lambda: client.info("server")["redis_version"], 15)
        client.close()
        return Server(
            host="127.0.0.1",
            port=port,
            user="",
            password=self._password,
            version=version,
            seconds=time.monotonic() - began,
        )

    def kill(self) -> None:
        """End it at once."""
        self._program.kill()
