"""A test's time limit ends the test, whatever it is doing, and the run goes on or ends red.

pytest-timeout raises a failure once, in the main thread, and takes its timer away as soon as
anything has failed. So a failed test that hangs in its teardown had no limit any more, and one in
which the failure was swallowed (a callback of asyncio, `except BaseException`) had none either.
Here each teardown has the limit anew, the failure is raised again until the test ends, and a
process that it cannot move is ended with the stacks of its threads; under xdist another takes over.
Between the phases, where no failure can be told, nothing is raised: it would end the whole run.

What is put away at the end of the run, after `-x` or a broken hook, belongs to no test and has a
limit, too.
"""

from __future__ import annotations

import faulthandler
import itertools
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
import pytest_timeout  # type: ignore[import-untyped]

GRACE = "timeout_grace"
END = "timeout_end"
_USUAL_GRACE = 60.0  # seconds; what a test starts is given up to 30 to end
_USUAL_END = 180.0  # seconds, in which plugins also write their summaries

_SETTINGS = pytest.StashKey[pytest_timeout.Settings]()
_STDERR = pytest.StashKey[int]()
_IN_A_PHASE = pytest.StashKey[bool]()
_running: list[pytest.Config] = []
"""The runs of this process: a test may hold another one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options."""
    parser.addini(
        GRACE,
        "seconds that a test has to end after its time limit; then its process is ended",
        default=str(_USUAL_GRACE),
    )
    parser.addini(
        END,
        "seconds that a run has to end after its last test; then its process is ended",
        default=str(_USUAL_END),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep the standard error that is nobody's to capture."""
    try:
        config.stash[_STDERR] = os.dup(sys.__stderr__.fileno())  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return
    _running.append(config)
    config.add_cleanup(lambda: _leave(config))


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_timeout_set_timer(
    item: pytest.Item, settings: pytest_timeout.Settings
) -> Generator[None, Any, Any]:
    """Have the timer go off again, and a guard behind it that needs no Python to run."""
    result = yield
    item.stash[_SETTINGS] = settings
    grace = float(item.config.getini(GRACE))
    if _STDERR in item.config.stash and not _is_debugged(item.config):
        _end_process_after(item.config, settings.timeout + grace)
    if settings.method == "signal" and threading.current_thread() is threading.main_thread():
        _repeat(item, settings.timeout, grace / 2)
    return result


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> None:
    """Take the guard away with the timer."""
    if not _others_use_it(item.config):
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Here a failure can be told."""
    with _phase(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Here, too."""
    with _phase(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Whatever has become of the test's own limit: its teardown has one."""
    with _phase(item):
        if settings := item.stash.get(_SETTINGS, None):
            item.ihook.pytest_timeout_cancel_timer(item=item)
            item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """What is put away here belongs to no test, and has an end, too."""
    config = session.config
    guarded = _running[:1] == [config] and not _is_debugged(config)
    if guarded:
        _end_process_after(config, float(config.getini(END)))
    try:
        return (yield)
    finally:
        if guarded:
            faulthandler.cancel_dump_traceback_later()


def pytest_enter_pdb(config: pytest.Config) -> None:
    """Somebody looks at the test: nothing is to end it."""
    if not _others_use_it(config):
        faulthandler.cancel_dump_traceback_later()


def _end_process_after(config: pytest.Config, seconds: float) -> None:
    """With the stacks of its threads."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=config.stash[_STDERR])


def _leave(config: pytest.Config) -> None:
    _running.remove(config)
    os.close(config.stash[_STDERR])


@contextmanager
def _phase(item: pytest.Item) -> Generator[None]:
    item.stash[_IN_A_PHASE] = True
    try:
        yield
    finally:
        item.stash[_IN_A_PHASE] = False


def _repeat(item: pytest.Item, timeout: float, every: float) -> None:
    raise_failure = signal.getsignal(signal.SIGALRM)
    if not callable(raise_failure):
        return
    times = itertools.count()

    def again(number: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        if not item.stash.get(_IN_A_PHASE, False):
            return
        if next(times) and _STDERR in item.config.stash:
            said = f"\n{item.nodeid} goes on after its limit of {timeout:g} s; it is ended again.\n"
            os.write(item.config.stash[_STDERR], said.encode("utf-8", "replace"))
        raise_failure(number, frame)

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, timeout, max(every, 0.1))


def _is_debugged(config: pytest.Config) -> bool:
    options = (config.getoption(name, default=False) for name in ("usepdb", "trace"))
    return any(options) or _others_use_it(config) or bool(pytest_timeout.is_debugging())


def _others_use_it(config: pytest.Config) -> bool:
    """Whether pytest's own `faulthandler_timeout` is set: a process has one such guard only."""
    if not config.pluginmanager.hasplugin("faulthandler"):
        return False
    return float(config.getini("faulthandler_timeout") or 0) > 0
