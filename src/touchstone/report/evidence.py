"""Whose evidence lies in `.touchstone`: the report and the artefacts of the last run.

Only a run that runs tests replaces the evidence of another; who looks at fixtures, or mistypes a
folder, takes nothing away. What a run with failures has left is moved to `.touchstone/failed/`,
where that of the last few of them stays. A run that begins while another works has a folder of its
own, `.touchstone/beside-2/`; it stays until a run begins after it has ended.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(".touchstone")
ARTEFACTS: Final = "artefacts"
REPORT: Final = "report"
FAILED: Final = FOLDER / "failed"
KEPT: Final = 5
"""Runs with failures whose evidence is kept, besides the last run's."""

_VERDICT: Final = "verdict"
_LOCK: Final = "lock"
_BEGUN = pytest.StashKey[bool]()
_PROBLEM = pytest.StashKey[str]()
_PLACE = pytest.StashKey[Path]()


def place_of(config: pytest.Config) -> Path:
    """The folder of this run's evidence: `.touchstone`, or its own one beside another run's."""
    if _PLACE not in config.stash:
        told = getattr(config, "workerinput", None)
        if told is None:
            return config.rootpath / FOLDER  # it has not begun
        config.stash[_PLACE] = _place_of_run(config.rootpath, told["testrunuid"])
    return config.stash[_PLACE]


def is_new(config: pytest.Config) -> bool:
    """Whether this run has tests, and so evidence of its own."""
    return config.stash.get(_BEGUN, False)


def judge(config: pytest.Config, verdict: str) -> None:
    """The run is over: whether its evidence is worth keeping when the next one comes."""
    with suppress(OSError):
        (place_of(config) / _VERDICT).write_text(verdict, "utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    only_planned = session.config.getoption("setupplan", False)
    if session.items and not only_planned and not session.config.getoption("setuponly", False):
        _begin(session.config)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_node_collection_finished(node: object, ids: Sequence[str]) -> None:
    if ids:
        _begin(node.config, node.workerinput["testrunuid"])  # type: ignore[attr-defined]


class _Collection:
    """What cannot be collected is as red as what fails."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            _begin(self._config)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        config.pluginmanager.register(_Collection(config))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if problem := config.stash.get(_PROBLEM, None):
        terminalreporter.write_line(problem, yellow=True)


def _begin(config: pytest.Config, run: str = "") -> None:
    if is_new(config) or hasattr(config, "workerinput") or config.option.collectonly:
        return
    config.stash[_BEGUN] = True
    try:
        _take_over(config, run)
    except OSError as error:
        if config.option.artefacts != "off":
            config.stash[_PROBLEM] = (
                f"artefacts: none can be kept here – {error}. Make the folder writable, or remove "
                "what another user has left there."
            )


def _take_over(config: pytest.Config, run: str) -> None:
    """Take the first folder that no other run has, and put away what is in those of nobody."""
    root = config.rootpath
    (root / FOLDER).mkdir(exist_ok=True)
    for number in itertools.count(1):
        has_one = _PLACE in config.stash
        if has_one and not _lock_file(root, number).exists():
            return
        lock = _locked(root, number)
        if lock is None:
            continue  # the evidence of a run that still works
        if has_one:
            _put_away(root, _place(root, number))
            os.close(lock)
            continue
        # It goes with the process, however that ends. By this the workers find the folder.
        config.add_cleanup(partial(os.close, lock))
        os.ftruncate(lock, 0)
        os.write(lock, run.encode())
        _put_away(root, _place(root, number))
        config.stash[_PLACE] = _place(root, number)


def _locked(root: Path, number: int) -> int | None:
    """The lock of a folder, for this process; None where another has it."""
    lock = os.open(_lock_file(root, number), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return lock


def _place(root: Path, number: int) -> Path:
    return root / FOLDER if number == 1 else root / FOLDER / f"beside-{number}"


def _lock_file(root: Path, number: int) -> Path:
    return root / FOLDER / (_LOCK if number == 1 else f"{_LOCK}-{number}")


def _place_of_run(root: Path, run: str) -> Path:
    with suppress(OSError):
        for number in itertools.count(1):
            if _lock_file(root, number).read_text("utf-8") == run:
                return _place(root, number)
    return root / FOLDER


def _put_away(root: Path, place: Path) -> None:
    _keep(root, place)
    shutil.rmtree(place / ARTEFACTS, ignore_errors=True)
    (place / _VERDICT).unlink(missing_ok=True)
    if place != root / FOLDER:
        shutil.rmtree(place, ignore_errors=True)


def _keep(root: Path, place: Path) -> None:
    verdict, artefacts = place / _VERDICT, place / ARTEFACTS
    # A run that was killed has no verdict, and its artefacts may be all that is known of it.
    was_killed = not verdict.exists() and artefacts.is_dir() and any(artefacts.iterdir())
    if not was_killed and not (verdict.exists() and verdict.read_text("utf-8") == "failed"):
        return
    last = artefacts if was_killed else verdict
    moment = datetime.fromtimestamp(last.stat().st_mtime).astimezone()
    kept = new_folder(root / FAILED, f"{moment:%Y-%m-%d_%H-%M-%S}")
    # Side by side as before, so that the report's links still lead to the artefacts.
    for folder in (ARTEFACTS, REPORT):
        with suppress(FileNotFoundError):
            (place / folder).rename(kept / folder)
    for old in sorted((root / FAILED).iterdir())[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def new_folder(parent: Path, name: str) -> Path:
    """Made here and now, so that no other process, and no other row, has the same."""
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder
