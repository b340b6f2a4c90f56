"""What the run was asked for: a file that is not there, or words that no test fits, are told at
once and by name, before anything is started, and in a distributed run too."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

_MOST: Final = 8  # names that are listed
_NEAR: Final = 0.6
_OUTPUT: Final = "touchstone.guards.asked"
_HINTS = pytest.StashKey[list[str]]()
_NAMES = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or config.option.pyargs:
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return
    here = config.invocation_params.dir
    for word in config.args:
        path = here / word.partition("::")[0].partition("[")[0]
        if not path.exists():
            raise pytest.UsageError(_missing(word, path, here))
        if path.suffix == ".feature" and _is_outside(path, config):
            raise pytest.UsageError(
                f"{word} is outside the project in {here}. A feature runs with the step "
                f"definitions and settings of the project that it lies in: move it below {here}, "
                "or run pytest in its own project."
            )


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        item.config.stash.setdefault(_NAMES, []).append(_name(item))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    names, words = config.stash.get(_NAMES, []), config.option.keyword or config.option.markexpr
    if session.items or not names or not words:
        return
    option = "-k" if config.option.keyword else "-m"
    hint = f"no test fits {option} {words!r}: {len(names)} were looked at."
    known = sorted(config.getini("markers")) if option == "-m" else names
    known = [line.partition(":")[0].partition("(")[0] for line in known]
    if near := _near_words(words, known):
        hint += f" Near: {', '.join(near)}."
    config.stash.setdefault(_HINTS, []).append(hint)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    try:
        return (yield)
    except pytest.UsageError as error:
        # In one process pytest says it; of a worker nobody hears it.
        if hasattr(session.config, "workerinput"):
            session.config.stash.setdefault(_HINTS, []).extend(map(str, error.args))
        raise


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput[_OUTPUT] = config.stash.get(_HINTS, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    hints = node.config.stash.setdefault(_HINTS, [])
    hints += [
        hint for hint in getattr(node, "workeroutput", {}).get(_OUTPUT, ()) if hint not in hints
    ]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for hint in config.stash.get(_HINTS, []):
        terminalreporter.write_line(hint, red=True)


def _missing(word: str, path: Path, here: Path) -> str:
    folder = path.parent
    lost = path.name
    while not folder.is_dir():
        folder, lost = folder.parent, folder.name
    shown = os.path.relpath(folder, here)
    there = [entry.name for entry in folder.iterdir() if not entry.name.startswith((".", "_"))]
    close = difflib.get_close_matches(lost, there, _MOST, _NEAR)
    if close:
        return f"{word}: there is no {lost} in {shown}. Did you mean {' or '.join(close)}?"
    listed = ", ".join(sorted(there)[:_MOST]) or "nothing"
    return f"{word}: there is no {lost} in {shown}. What is there: {listed}."


def _is_outside(path: Path, config: pytest.Config) -> bool:
    here = config.invocation_params.dir
    is_project = any(
        (here / name).exists() for name in ("pyproject.toml", "pytest.ini", "conftest.py")
    )
    return (
        is_project and config.inipath is None and not path.resolve().is_relative_to(here.resolve())
    )


def _name(item: pytest.Item) -> str:
    return item.name.partition("[")[0]


def _near_words(expression: str, names: Sequence[str]) -> list[str]:
    """Names of tests that hold a word which is written much like one of the expression."""
    wanted = set(re.findall(r"\w+", expression)) - {"and", "or", "not"}
    found = []
    for name in dict.fromkeys(names):
        words = re.findall(r"[^\W_]+", name.lower())
        if any(difflib.get_close_matches(word.lower(), words, 1, 0.75) for word in wanted):
            found.append(name)
    return found[:_MOST]
