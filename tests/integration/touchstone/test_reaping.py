"""Which processes belong to a run: those with a place in it, and nobody else's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from touchstone import reaping, surroundings
from touchstone.waiting import eventually

SLEEP = "import signal; signal.pause()"
STARTS = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], env={{}}, cwd="/", start_new_session=NEW)
{SLEEP}
"""
PLACES = {
    "environment": (SLEEP, {"env": "run", "cwd": "/"}),
    "folder": (SLEEP, {"env": "none", "cwd": "run"}),
    "begun by one of the run": (STARTS.replace("NEW", "False"), {"env": "run", "cwd": "/"}),
    "a session of its own": (STARTS.replace("NEW", "True"), {"env": "run", "cwd": "/"}),
}


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("place", PLACES)
def test_a_process_is_found_by_its_place_and_ended(
    tmp_path: Path, started: list[subprocess.Popen[bytes]], place: str
) -> None:
    folder = tmp_path / "touchstone-one"
    folder.mkdir()
    program, where = PLACES[place]
    expected = 2 if "Popen" in program else 1
    started.append(
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={surroundings.VARIABLE: f"{folder}/r1"} if where["env"] == "run" else {},
            cwd=folder if where["cwd"] == "run" else "/",
            start_new_session=True,
        )
    )
    found = eventually(
        lambda: {each.pid for each in reaping.processes(folder)},
        until=lambda pids: len(pids) == expected,
    )

    reaping.end(folder)

    assert list(reaping.processes(folder)) == []
    assert not [pid for pid in found if _lives(pid)]


def test_somebody_who_looks_into_a_file_of_the_run_is_left_alone(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    folder = tmp_path / "touchstone-one"
    folder.mkdir()
    log = folder / "keeper.log"
    log.touch()
    started.append(subprocess.Popen(["tail", "-f", log], cwd="/", env={}, start_new_session=True))

    reaping.end(folder)

    assert started[0].poll() is None


def _lives(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
