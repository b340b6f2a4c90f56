"""What `--progress` shows: the lines, and the one that lives."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator, Sequence
from typing import TextIO

import pytest
from rich.console import Console, ConsoleDimensions
from rich.live import Live
from rich.text import Text

from touchstone.not_possible import OUTCOME
from touchstone.report.results import Result, Results, in_words

Status = tuple[str, str, str | tuple[str, dict[str, bool]]]

_SIGNS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "error": ("!", "bold red"),
    "skipped": ("–", "yellow"),
    OUTCOME: ("○", "yellow"),
    "xfailed": ("✓", "yellow"),
    "xpassed": ("✗", "yellow"),
}


class Progress:
    """Follows the run and keeps the screen up to date."""

    def __init__(self, results: Results, screen: Screen) -> None:
        self._results = results
        self._screen = screen
        self._began = time.monotonic()
        self._session: pytest.Session | None = None
        self._running: dict[str, str] = {}
        self._status = ""
        self._over = False

    def status(self, text: str) -> None:
        if self._over or text == self._status:
            return
        self._status = text
        if text and not self._screen.is_terminal:
            self._screen.write(Text(f"  {text}"))
        self._screen.live(self._line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session
        self._screen.live(self._line)
        # xdist tells of its workers on the line that is ours.
        plugins = session.config.pluginmanager
        if distribution := plugins.get_plugin("dsession"):
            distribution.terminal = None
            plugins.unregister(name="terminaldistreporter")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[object]) -> None:
        self.status(f"starting {len(specs)} workers")

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._running[nodeid] = in_words(location[2])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = self._results.of(report)
        if result.over:
            self._running.pop(report.nodeid, None)
            self._screen.write(finished(result))

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Status, Status]:
        category, letter, word = yield
        return (category, letter, word) if self._over else (category, "", "")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        # Inside the wrapper that prints pytest's summary, outside all that is slow to end.
        try:
            yield
        finally:
            self._end()

    def pytest_internalerror(self) -> None:
        self._end()

    def pytest_unconfigure(self) -> None:
        self._end()

    def _end(self) -> None:
        self._over = True
        self._screen.live(None)

    def _line(self) -> Text:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        total = self._session.testscollected if self._session else 0
        done = sum(result.over for result in self._results)
        parts = []
        if total:
            parts.append(Text(f"{done} of {total}"))
            if bad := self._results.count("failed", "error"):
                parts.append(Text(f"{bad} failed", "bold red"))
        parts.append(Text(f"{minutes}:{seconds:02}"))
        if self._running:
            parts.append(Text("now: " + ", ".join(self._running.values())))
        elif not done:
            parts.append(Text(self._status or "collecting the tests"))
        elif done == total:
            parts.append(Text("tidying up"))
        line = Text.assemble(("  ▸ ", "cyan"), Text(" · ", "dim").join(parts))
        line.no_wrap, line.overflow = True, "ellipsis"
        return line


def finished(result: Result) -> Text:
    """The lines about one test that is over."""
    sign, style = _SIGNS[result.outcome]
    line = Text.assemble("  ", (sign, style), " ", (f"{result.group} › ", "dim"), result.title)
    if result.outcome not in ("skipped", OUTCOME):
        line.append(f"  {_seconds(result.duration)}", "dim")
    if result.outcome in ("skipped", OUTCOME, "xfailed", "xpassed"):
        line.append(f"  {result.outcome}: {result.reason}".rstrip(": "), "yellow")
    if result.is_bad:
        if result.scenario and (step := result.scenario.failed_step):
            line.append(f"\n      {step}")
            line.append(f"  {result.scenario.place(step)}", "dim")
        line.append(f"\n      {_shorten(result.message)}", "red")
    return line


class _Terminal(Console):
    """Takes its width from the stream that it writes to, because standard output is pytest's while
    a test runs. Never hides the cursor: a process that is killed could not bring it back."""

    @property  # type: ignore[misc]  # theirs can be set, too
    def size(self) -> ConsoleDimensions:
        columns, lines = os.get_terminal_size(self.file.fileno())
        return ConsoleDimensions(columns or 80, lines or 25)

    def show_cursor(self, show: bool = True) -> bool:
        return False


class Screen:
    """Where it is written: lines that stay, and on a terminal one below them that lives."""

    def __init__(self, stream: TextIO) -> None:
        self.is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._stream = stream
        self._console = _Terminal(file=stream, force_terminal=True, highlight=False)
        self._render: Callable[[], Text] | None = None
        self._live: Live | None = None

    def write(self, text: Text) -> None:
        if self.is_terminal:
            self._console.print(text, soft_wrap=True)
        else:
            self._stream.write(text.plain + "\n")
            self._stream.flush()

    def live(self, render: Callable[[], Text] | None) -> None:
        """Keep what `render` gives on the last line, until called with None."""
        if not self.is_terminal or render == self._render:
            return
        if self._live:
            self._live.stop()
        self._render, self._live = render, None
        if render:
            self._live = Live(
                get_renderable=render,
                console=self._console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start(refresh=True)


def own_stdout() -> TextIO:
    """Standard output under a name of our own, since pytest's capturing takes the usual one away
    while a test runs."""
    try:
        descriptor = os.dup(sys.stdout.fileno())
    except (OSError, ValueError):
        return sys.stdout
    return open(descriptor, "w", encoding=sys.stdout.encoding, errors="replace")


def _shorten(text: str, limit: int = 160) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= limit else line[: limit - 2] + " …"


def _seconds(duration: float) -> str:
    return f"{duration:.1f} s" if duration < 100 else f"{duration / 60:.1f} min"
