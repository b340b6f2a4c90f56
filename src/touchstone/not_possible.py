"""*Not possible here*: what a scenario needs and this run has not.

Neither a pass nor a failure, nor a skip that somebody wrote down: the platform was not asked. It
has a category of its own in the terminal and the report, each with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

import pytest
from _pytest.outcomes import Skipped

OUTCOME = "not possible here"


class NotPossibleHere(Skipped):
    """Ends a test: it needs what this run has not. The text says what, and why it is not there.

    Raised by touchstone's fixtures and by a project's own.
    """


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, NotPossibleHere):
        reason = str(call.excinfo.value.msg)
        path, line, _ = item.location
        report.longrepr = (path, (line or 0) + 1, reason)
        report.not_possible = reason  # type: ignore[attr-defined]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    if reason(report) is not None:
        return OUTCOME, "n", OUTCOME.upper()
    return None


def reason(report: pytest.TestReport) -> str | None:
    """Why the test was not possible here; None when it was."""
    return getattr(report, "not_possible", None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The reasons, and how many tests each has kept from running."""
    counted = Counter(reason(report) for report in terminalreporter.stats.get(OUTCOME, []))
    for why, number in counted.most_common():
        terminalreporter.write_line(f"{OUTCOME}: {number} × {why}", yellow=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that could try nothing says nothing about the platform: no gate may take it for one
    that passed."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or session.exitstatus != pytest.ExitCode.OK:
        return
    stats = terminal.stats
    if stats.get(OUTCOME) and not any(stats.get(tried) for tried in ("passed", "xfailed")):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
