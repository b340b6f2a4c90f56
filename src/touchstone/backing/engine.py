"""The Docker engine of this machine, or the one that the user's settings name."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import docker
from docker.context import ContextAPI
from docker.errors import DockerException
from docker.utils import kwargs_from_env, parse_host

_UNIX = "http+unix://"
_PATIENCE = 10.0  # seconds


@contextlib.contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """A client of the engine. Raises DockerException where none answers."""
    _knock()
    with contextlib.closing(docker.from_env()) as client:
        yield client


def _knock() -> None:
    """Docker's client leaves its socket open, for Python to warn of at any later moment, when
    nobody listens; so that is asked with a socket of our own first."""
    asked = {**ContextAPI.kwargs_from_context(), **kwargs_from_env()}
    address = str(parse_host(str(asked.get("base_url", ""))))
    if not address.startswith(_UNIX):
        return
    path = address.removeprefix(_UNIX)
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(path)
        except OSError as error:
            raise DockerException(f"{path}: {error.strerror or error}") from None
