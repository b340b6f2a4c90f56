"""The folder of one run: where everything it starts lives, and how an abandoned one is found.

A run folder is locked for as long as the run's controller or keeper lives. A folder that nobody
locks belongs to a run that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from touchstone.surroundings import VARIABLE

PREFIX = "touchstone-"

CONTAINERS = "containers"
"""A file in the folder of a run that has containers too."""

_MEMORY = Path("/dev/shm")
_COMMON = (Path("/tmp"), Path("/var/tmp"))
_ROOM = 4 * 1024**3  # bytes
_LEAST_ROOM = 64 * 1024**2  # bytes; at 50 MB RabbitMQ takes no more messages
_SOCKET = "keeper.sock"
# The address of a socket has room for 108 bytes on Linux and 104 elsewhere, its end included; the
# name of a run's folder has eight letters by chance.
_LONGEST = 103 - len(f"/{PREFIX}12345678/{_SOCKET}")


class NoPlace(Exception):
    """There is nowhere that a run could keep its files; the text says what to set."""


@dataclass(frozen=True)
class RunFolder:
    """A locked run folder. The lock ends when every process that holds `lock` has ended."""

    path: Path
    lock: int

    @property
    def socket(self) -> Path:
        """Where the run's keeper listens."""
        return self.path / _SOCKET


def default_parent() -> Path:
    """Where run folders are made: in memory where there is room, else the temporary folder.

    What a run holds lives no longer than the run, and a database is cloned several times faster
    in memory than on a disk that is busy. Where the temporary folder does not serve, one that
    every system has does.

    Raises:
        NoPlace: none serves.
    """
    if _MEMORY.is_dir() and not hindrance(_MEMORY) and _free(_MEMORY) >= _ROOM:
        return _MEMORY
    reasons = []
    for place in _temporary():
        reason = hindrance(place)
        if not reason:
            return place
        reasons.append(reason)
    raise NoPlace(
        f"a run has nowhere to keep its files: {'; '.join(reasons)}. Set TMPDIR to a folder "
        f"of this machine that you may write to, whose path has at most {_LONGEST} characters, "
        f"with {_LEAST_ROOM // 1024**2} MB free."
    )


def hindrance(place: Path) -> str:
    """Why a run cannot keep its files in a folder; or ""."""
    if len(os.fsencode(place)) > _LONGEST:
        return f"{place} is too long a path for the sockets of a run"
    if not place.is_dir():
        return f"{place} is no folder"
    if not os.access(place, os.W_OK | os.X_OK):
        return f"{place} cannot be written to"
    if os.getuid() == 0 and not all(each.stat().st_mode & 1 for each in (place, *place.parents)):
        return f"{place} is closed to the account that runs PostgreSQL, which is not root"
    if _free(place) < _LEAST_ROOM:
        return f"{place} is full: {_free(place) // 1024**2} MB are free"
    return ""


def parents() -> list[Path]:
    """Every place that `default_parent` may have chosen for an earlier run."""
    return [path for path in (_MEMORY, *_temporary()) if path.is_dir() and os.access(path, os.W_OK)]


def _temporary() -> Sequence[Path]:
    """The folders for temporary files: the one that is set, then those that every system has."""
    found = list(_COMMON)
    with contextlib.suppress(FileNotFoundError):
        found.insert(0, Path(tempfile.gettempdir()))
    return list(dict.fromkeys(found))


def _free(place: Path) -> int:
    return shutil.disk_usage(place).free


def lack_of_room(path: Path) -> str:
    """What to say when the file system of a run is full, so that its servers cannot work; or ""."""
    free = _free(path)
    if free >= _LEAST_ROOM:
        return ""
    return (
        f"{path} is full: {free // 1024**2} MB are free, and the servers of the run need "
        f"{_LEAST_ROOM // 1024**2} MB. A scenario that fills its folder harms its neighbours too; "
        "set TMPDIR to a larger place if none did."
    )


def create(parent: Path) -> RunFolder:
    """Make and lock a new run folder below `parent`."""
    with registry(parent) as folders:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folders))
        # PostgreSQL may have to run as another user, who must be able to pass through.
        path.chmod(0o711)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return RunFolder(path, lock)


@contextlib.contextmanager
def scratch() -> Iterator[None]:
    """What is started within keeps its temporary files with the run, and they go with it.

    A browser that is killed leaves its profile where it was.
    """
    place = Path(os.environ.get(VARIABLE, "/nowhere"))
    if not place.parent.is_dir():
        yield
        return
    place.mkdir(exist_ok=True)
    outer = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(place)
    try:
        yield
    finally:
        del os.environ["TMPDIR"]
        if outer is not None:
            os.environ["TMPDIR"] = outer


def in_use(path: Path) -> bool:
    """Whether the run of that folder lives; it locks the folder and removes it at its end."""
    try:
        lock = os.open(path / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextlib.contextmanager
def registry(parent: Path) -> Iterator[Path]:
    """Hold the lock under which run folders come and go, so none is seen half made."""
    lock = os.open(parent / f".{PREFIX}{os.getuid()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield parent
    finally:
        os.close(lock)
