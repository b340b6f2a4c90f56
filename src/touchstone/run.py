"""The folder of one run: where everything it starts lives, and how an abandoned one is found.

A run folder is locked for as long as the run's controller or keeper lives. A folder that nobody
locks belongs to a run that was killed: its processes are ended and the folder is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

VARIABLE = "TOUCHSTONE_RUN"
"""Every process of a run carries the run's folder in this environment variable."""

PREFIX = "touchstone-"

CONTAINERS = "containers"
"""A file in the folder of a run that has containers too."""

_MEMORY = Path("/dev/shm")
_ROOM = 4 * 1024**3  # bytes
_LEAST_ROOM = 64 * 1024**2  # bytes; at 50 MB RabbitMQ takes no more messages


@dataclass(frozen=True)
class RunFolder:
    """A locked run folder. The lock ends when every process that holds `lock` has ended."""

    path: Path
    lock: int

    @property
    def socket(self) -> Path:
        """Where the run's keeper listens."""
        return self.path / "keeper.sock"


def default_parent() -> Path:
    """Where run folders are made: in memory where there is room, else the temporary folder.

    What a run holds lives no longer than the run, and a database is cloned several times faster
    in memory than on a disk that is busy.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM
    return _MEMORY if roomy else Path(tempfile.gettempdir())


def parents() -> list[Path]:
    """Every place that `default_parent` may have chosen for an earlier run."""
    return [path for path in (_MEMORY, Path(tempfile.gettempdir())) if path.is_dir()]


def lack_of_room(path: Path) -> str:
    """What to say when the file system of a run is full, so that its servers cannot work; or ""."""
    free = shutil.disk_usage(path).free
    if free >= _LEAST_ROOM:
        return ""
    return (
        f"{path} is full: {free // 1024**2} MB are free, and the servers of the run need "
        f"{_LEAST_ROOM // 1024**2} MB. A scenario that fills its folder harms its neighbours too; "
        "set TMPDIR to a larger place if none did."
    )


def create(parent: Path) -> RunFolder:
    """Make and lock a new run folder below `parent`."""
    with _registry(parent) as folders:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folders))
        # PostgreSQL may have to run as another user, who must be able to pass through.
        path.chmod(0o711)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return RunFolder(path, lock)


def reap_orphans(parent: Path) -> list[Path]:
    """End what killed runs left behind below `parent`; returns the folders that were removed."""
    reaped = []
    with _registry(parent) as folders:
        for path in sorted(folders.glob(f"{PREFIX}*/")):
            # A run that is ending by itself may remove its folder at any moment.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_uid == os.getuid() and not in_use(path):
                    remove(path)
                    reaped.append(path)
    return reaped


def remove(path: Path) -> None:
    """End every process and container of the run and delete its folder."""
    if (path / CONTAINERS).exists():
        # Imported on demand: a run without containers needs no client for them.
        from touchstone.backing.containers import remove_containers

        remove_containers(path)
    # A process that was just killed may still be flushing a file into the folder, and a server
    # may be started until the folder is gone that it works in.
    for _ in range(3):
        end_processes(path)
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists() and not any(processes(path)):
            return


def end_processes(path: Path) -> None:
    """Kill every process of a run."""
    # A PostgreSQL that is asked gives back its shared memory, which no folder holds.
    asked = [process for process in processes(path) if _is_postgres(process)]
    for process in asked:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGQUIT)
    psutil.wait_procs(asked, timeout=2)
    # One sweep can miss what is being forked meanwhile: sweep until nothing is found.
    while victims := list(processes(path)):
        for process in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(victims, timeout=5)


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


def processes(path: Path) -> Iterator[psutil.Process]:
    """The processes of a run, without the calling one and its parent.

    They carry its folder in their environment, on their command line or as where they work.
    """
    me = {os.getpid(), os.getppid()}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if (
                process.pid not in me
                and process.status() != psutil.STATUS_ZOMBIE
                and _belongs(process, path)
            ):
                yield process


def _belongs(process: psutil.Process, path: Path) -> bool:
    # PostgreSQL and Redis write their titles over their environment, and in a container even
    # root may not read the environment of another account's process: any one trace is enough.
    traces: list[Callable[[], bool]] = [
        lambda: any(f"{path}/" in argument for argument in process.cmdline()),
        lambda: f"{process.environ().get(VARIABLE)}/".startswith(f"{path}/"),
        lambda: process.cwd().startswith(f"{path}/"),
    ]
    for trace in traces:
        with contextlib.suppress(psutil.AccessDenied):
            if trace():
                return True
    return False


def _is_postgres(process: psutil.Process) -> bool:
    """Whether it is a PostgreSQL server (and not a process that works for one)."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name() == "postgres" and "-D" in process.cmdline()
    return False


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
def _registry(parent: Path) -> Iterator[Path]:
    """Hold the lock under which run folders come and go, so none is seen half made."""
    lock = os.open(parent / f".{PREFIX}{os.getuid()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield parent
    finally:
        os.close(lock)
