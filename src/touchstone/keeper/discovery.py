"""The keepers that run on this machine: found by the folders that they lock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone import run
from touchstone.keeper.client import InfrastructureError, KeeperClient
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually


@dataclass(frozen=True)
class Kept:
    """A failed scenario's sandbox that was kept, and the keeper that has it."""

    socket: Path
    sandbox: Sandbox
    scenario: str
    notes: tuple[str, ...]


def running(root: Path | None = None) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The socket of each running keeper, and what it says of itself; of one project or of all."""
    for parent in run.parents():
        for folder in sorted(parent.glob(f"{run.PREFIX}*/")):
            socket = folder / "keeper.sock"
            # One that is just starting or ending does not answer, and is none of our business.
            with contextlib.suppress(OSError, InfrastructureError):
                with contextlib.closing(KeeperClient(socket)) as client:
                    said = client.describe()
                if root is None or said["root"] == str(root):
                    yield socket, said


def warm(root: Path, provider: str) -> Path | None:
    """The socket of the keeper that `touchstone up` left for this project."""
    for socket, said in running(root):
        if said["stays"] and said["provider"] == provider:
            return socket
    return None


def end(socket: Path) -> int:
    """Have a keeper end with everything it has; returns when its folder is gone.

    While runs use it, it drops what it keeps and ends after them: how many these are.
    """
    # Somebody else may end it at the same moment.
    with (
        contextlib.suppress(OSError, InfrastructureError),
        contextlib.closing(KeeperClient(socket)) as client,
    ):
        if at_work := client.stop():
            return at_work
    eventually(
        socket.parent.exists, until=lambda there: not there, timeout=30, describe="the keeper ends"
    )
    return 0


def kept(root: Path | None = None) -> list[Kept]:
    """All sandboxes that are kept."""
    return [
        Kept(socket, Sandbox.from_json(each["sandbox"]), each["scenario"], tuple(each["notes"]))
        for socket, said in running(root)
        for each in said["kept"].values()
    ]
