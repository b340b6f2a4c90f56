"""A server that speaks as S3 does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx

from touchstone.backing.programs import free_ports
from touchstone.waiting import eventually


@dataclass(frozen=True)
class S3:
    """One that runs."""

    address: str

    @property
    def options(self) -> dict[str, str]:
        return {
            "endpoint": self.address,
            "region": "eu-central-1",
            "access_key_id": "jeweller",
            "secret_access_key": "nobody else's",
        }

    @property
    def environment(self) -> dict[str, str]:
        """`options` as a process is given them."""
        return {
            {"endpoint": "AWS_ENDPOINT_URL"}.get(name, f"AWS_{name.upper()}"): value
            for name, value in self.options.items()
        }

    def make_bucket(self) -> str:
        name = f"models-{uuid4()}"
        httpx.put(f"{self.address}/{name}", trust_env=False).raise_for_status()
        return name


@contextmanager
def s3_server() -> Iterator[S3]:
    """Moto's: S3's HTTP API, multipart uploads included, in a process of its own."""
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with server:
        running = S3(f"http://127.0.0.1:{port}")
        eventually(
            lambda: httpx.get(running.address, trust_env=False),
            timeout=90,
            ignoring=(httpx.TransportError,),
            describe="the S3 server answers",
        )
        yield running
        server.kill()
