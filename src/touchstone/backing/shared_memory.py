"""Shared memory that servers which were killed have left, and that no folder holds.

PostgreSQL gives it back when it is asked to end, but not while `initdb` works: what it starts then
does as the system does with any signal, and ends at once. A segment is known by the process that
made it, and by the lock file in the data folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

_SYSTEM_V = Path("/proc/sysvipc/shm")
_POSIX = Path("/dev/shm")
_POSIX_NAME = "PostgreSQL."
_IPC_RMID = 0
_LINE_OF_SEGMENT = 6  # of postmaster.pid: the key and the id of the segment


@dataclass(frozen=True)
class Segment:
    """A System V segment: its id, its maker's process id and how many processes have it."""

    id: int
    key: int
    maker: int
    attached: int


def segments(table: str) -> list[Segment]:
    """What a table as in `/proc/sysvipc/shm` lists."""
    head, *rows = [line.split() for line in table.splitlines() if line.strip()] or [[]]
    column = {name: head.index(name) for name in head}
    return [
        Segment(
            *(int(row[column[name]]) for name in ("shmid", "key", "cpid", "nattch")),
        )
        for row in rows
    ]


def locked(folder: Path) -> list[tuple[int, int]]:
    """Key and id of each segment that a data folder of PostgreSQL below `folder` names."""
    found = []
    for file in folder.glob("postgres*/*/postmaster.pid"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            key, number = file.read_text("utf-8").splitlines()[_LINE_OF_SEGMENT].split()
            found.append((int(key), int(number)))
    return found


def mapped(process: psutil.Process) -> set[Path]:
    """The POSIX segments of PostgreSQL that a process has."""
    with contextlib.suppress(psutil.Error, OSError):
        return {
            Path(each.path)
            for each in process.memory_maps()
            if each.path.startswith(f"{_POSIX}/{_POSIX_NAME}")
        }
    return set()


def release(makers: Collection[int], named: Collection[tuple[int, int]] = ()) -> list[int]:
    """Remove the segments that these processes made, or that are `named` by key and id.

    One that somebody still has is left. Returns the ids of those that were removed.
    """
    if not _SYSTEM_V.exists():
        return [number for _, number in named if _remove(number)]
    found = left_behind(segments(_SYSTEM_V.read_text("ascii")), makers, named)
    return [each.id for each in found if _remove(each.id)]


def left_behind(
    found: Iterable[Segment], makers: Collection[int], named: Collection[tuple[int, int]]
) -> list[Segment]:
    """Those that nobody has, and that these processes made or that are `named`."""
    return [
        each
        for each in found
        if not each.attached and (each.maker in makers or (each.key, each.id) in named)
    ]


def forget(paths: Collection[Path]) -> None:
    """Remove POSIX segments whose processes have ended."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def _remove(number: int) -> bool:
    if sys.platform == "win32":
        return False
    return bool(ctypes.CDLL(None).shmctl(number, _IPC_RMID, None) == 0)


def servers(processes: Collection[psutil.Process]) -> Iterator[psutil.Process]:
    """Those of the processes that are PostgreSQL's first one, which all others work for."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if is_postgres(process) and not is_postgres(process.parent()):
                yield process


def is_postgres(process: psutil.Process | None) -> bool:
    """Whether it is a process of a PostgreSQL server."""
    with contextlib.suppress(psutil.Error):
        return process is not None and process.name() in ("postgres", "postmaster")
    return False
