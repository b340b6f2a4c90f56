"""Whose evidence lies in `.touchstone`: the report and the artefacts of the last run.

Only a run that runs tests replaces the evidence of another; who looks at fixtures, or mistypes a
folder, takes nothing away. What a run with failures has left is moved to `.touchstone/failed/`,
where that of the last few of them stays.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(".touchstone")
ARTEFACTS: Final = FOLDER / "artefacts"
REPORT: Final = FOLDER / "report"
FAILED: Final = FOLDER / "failed"
KEPT: Final = 5
"""Runs with failures whose evidence is kept, besides the last run's."""

_VERDICT: Final = FOLDER / "verdict"
_BEGUN = pytest.StashKey[bool]()
_PROBLEM = pytest.StashKey[str]()


def is_new(config: pytest.Config) -> bool:
    """Whether this run has tests, and so evidence of its own."""
    return config.stash.get(_BEGUN, False)


def judge(config: pytest.Config, verdict: str) -> None:
    """The run is over: whether its evidence is worth keeping when the next one comes."""
    with suppress(OSError):
        (config.rootpath / _VERDICT).write_text(verdict, "utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    only_planned = session.config.getoption("setupplan", False)
    if session.items and not only_planned and not session.config.getoption("setuponly", False):
        _begin(session.config)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_node_collection_finished(node: object, ids: Sequence[str]) -> None:
    if ids:
        _begin(node.config)  # type: ignore[attr-defined]


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


def _begin(config: pytest.Config) -> None:
    if is_new(config) or hasattr(config, "workerinput") or config.option.collectonly:
        return
    config.stash[_BEGUN] = True
    try:
        _take_over(config)
    except OSError as error:
        if config.option.artefacts != "off":
            config.stash[_PROBLEM] = (
                f"artefacts: none can be kept here – {error}. Make the folder writable, or remove "
                "what another user has left there."
            )


def _take_over(config: pytest.Config) -> None:
    root = config.rootpath
    (root / FOLDER).mkdir(exist_ok=True)
    # Only the first of several runs at the same time may clean: the artefacts of the others are
    # still wanted. The lock goes with the process, however it ends.
    lock = os.open(root / FOLDER / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    config.add_cleanup(lambda: os.close(lock))
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _keep(root)
        shutil.rmtree(root / ARTEFACTS, ignore_errors=True)
        (root / _VERDICT).unlink(missing_ok=True)


def _keep(root: Path) -> None:
    verdict, artefacts = root / _VERDICT, root / ARTEFACTS
    # A run that was killed has no verdict, and its artefacts may be all that is known of it.
    was_killed = not verdict.exists() and artefacts.is_dir() and any(artefacts.iterdir())
    if not was_killed and not (verdict.exists() and verdict.read_text("utf-8") == "failed"):
        return
    last = artefacts if was_killed else verdict
    moment = datetime.fromtimestamp(last.stat().st_mtime).astimezone()
    place = root / FAILED / f"{moment:%Y-%m-%d_%H-%M-%S}"
    place.mkdir(parents=True, exist_ok=True)
    # Side by side as before, so that the report's links still lead to the artefacts.
    for folder in (ARTEFACTS, REPORT):
        with suppress(FileNotFoundError):
            (root / folder).rename(place / folder.name)
    for old in sorted((root / FAILED).iterdir())[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
