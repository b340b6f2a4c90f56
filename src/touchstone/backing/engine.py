"""The Docker engine of this machine, or the one that the user's settings name."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
from docker.context import ContextAPI
from docker.errors import DockerException
from docker.utils import kwargs_from_env, parse_host

from touchstone import run

LABEL = "touchstone.run"
"""A container's label with the folder of its run."""

_UNIX = "http+unix://"
_PATIENCE = 10.0  # seconds


@contextlib.contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """A client of the engine. Raises DockerException where none answers."""
    _knock()
    with contextlib.closing(docker.from_env()) as client:
        yield client


def missing() -> str | None:
    """What to do when no Docker engine answers; None when one does."""
    try:
        with connected() as client:
            client.ping()
    except DockerException as error:
        return (
            "backing services in containers need a Docker engine, and none answers "
            f"({in_one_line(error)}).\n  Start Docker, or use the programs of this machine: "
            "pytest --backing native"
        )
    return None


def remove_containers(folder: Path) -> None:
    """Remove the containers of the run of that folder, which has ended."""
    _remove(lambda of: of == folder)


def remove_abandoned() -> None:
    """Remove the containers of runs whose folders are gone, as after a restart of the machine."""
    _remove(lambda folder: not run.in_use(folder))


def in_one_line(error: Exception) -> str:
    """What an error says, without the line breaks of Docker's client."""
    return " ".join(str(error).split())


def _remove(abandoned: Callable[[Path], bool]) -> None:
    with contextlib.suppress(DockerException), connected() as client:
        for container in client.containers.list(all=True, filters={"label": LABEL}):
            if abandoned(Path(container.labels[LABEL])):
                with contextlib.suppress(DockerException):
                    container.remove(force=True, v=True)


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
