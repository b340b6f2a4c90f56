"""What is left of a run, ended and removed: its processes, its containers, its folder.

Processes are found by their place in the run. `reap_orphans` looks for runs that were killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil

from touchstone import run
from touchstone.backing import shared_memory
from touchstone.surroundings import VARIABLE

_PATIENCE = 2.0  # seconds for servers that were asked to end
_SWEEPS = 20


def processes(path: Path) -> Iterator[psutil.Process]:
    """The processes of a run, without the calling one and those that it descends from.

    A process belongs to the run when it carries the run's folder in its environment, works in that
    folder, was begun by a process that does, or is in the session of one. Only where the system
    hides the environment from us does the command line count: people look into files of a run
    with programs that are none of the run's.
    """
    mine = _ancestors()
    found: dict[int, psutil.Process] = {}
    others: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.pid in mine or process.status() == psutil.STATUS_ZOMBIE:
                continue
            (found if _belongs(process, path) else others)[process.pid] = process
    while more := {pid for pid, process in others.items() if _begun_in(process, found)}:
        found |= {pid: others.pop(pid) for pid in more}
    yield from found.values()


def end(path: Path) -> None:
    """End every process of a run, and give back the shared memory that they would leave behind."""
    named = shared_memory.locked(path)
    asked = list(shared_memory.servers(list(processes(path))))
    for process in asked:
        # Its way to end at once, and yet give back its shared memory.
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGQUIT)
            # One that is frozen does not hear.
            process.send_signal(signal.SIGCONT)
    psutil.wait_procs(asked, timeout=_PATIENCE)
    makers = {process.pid for process in asked}
    held: set[Path] = set()
    # One sweep can miss what is being forked meanwhile: sweep until nothing is found.
    for _ in range(_SWEEPS):
        victims = list(processes(path))
        if not victims:
            break
        for process in victims:
            with contextlib.suppress(psutil.Error):
                if shared_memory.is_postgres(process):
                    # What stands still takes no more memory while we look at what it has.
                    process.suspend()
                    makers.add(process.pid)
                    held |= shared_memory.mapped(process)
                process.kill()
        psutil.wait_procs(victims, timeout=5)
    shared_memory.release(makers, [*named, *shared_memory.locked(path)])
    shared_memory.forget(held)


def reap_orphans(parent: Path) -> list[Path]:
    """End what killed runs left behind below `parent`; returns the folders that were removed."""
    reaped: list[Path] = []
    if not any(parent.glob(f"{run.PREFIX}*/")):
        return reaped
    with run.registry(parent) as folders:
        for path in sorted(folders.glob(f"{run.PREFIX}*/")):
            # A run that is ending by itself may remove its folder at any moment.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_uid == os.getuid() and not run.in_use(path):
                    remove(path)
                    reaped.append(path)
    return reaped


def remove(path: Path) -> None:
    """End every process and container of the run and delete its folder."""
    if (path / run.CONTAINERS).exists():
        # Imported on demand: a run without containers needs no client for them.
        from touchstone.backing.engine import remove_containers

        remove_containers(path)
    # A process that was just killed may still be flushing a file into the folder, and a server
    # may be started until the folder is gone that it works in.
    for _ in range(3):
        end(path)
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists() and not any(processes(path)):
            return


def _ancestors() -> set[int]:
    with contextlib.suppress(psutil.Error):
        return {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    return {os.getpid(), os.getppid()}


def _belongs(process: psutil.Process, path: Path) -> bool:
    below = f"{path}/"
    try:
        if f"{process.environ().get(VARIABLE)}/".startswith(below):
            return True
    except psutil.AccessDenied:
        # In a container even root may not read that of another account's process.
        with contextlib.suppress(psutil.AccessDenied):
            if any(below in argument for argument in process.cmdline()):
                return True
    # PostgreSQL and Redis write their titles over their environment.
    with contextlib.suppress(psutil.AccessDenied):
        return process.name() not in _LOOKING and f"{process.cwd()}/".startswith(below)
    return False


_LOOKING = ("bash", "dash", "fish", "sh", "zsh", "less", "tail", "vim", "vi", "nano", "emacs")
"""Programs with which a person stands in a folder of a run; those that it starts itself carry its
folder in their environment."""


def _begun_in(process: psutil.Process, run: dict[int, psutil.Process]) -> bool:
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        return process.ppid() in run or os.getsid(process.pid) in run
    return False
