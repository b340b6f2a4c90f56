"""The HTML report of a run: one file that needs nothing else, `.touchstone/report/index.html`.

What failed comes first, with the failed step, the picture and the links to all artefacts (the macro
`failure` of `templates/report.html.j2`); then everything that ran, by layer and feature.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

import pytest

from touchstone.commands import command
from touchstone.masking import mask_of
from touchstone.not_possible import OUTCOME
from touchstone.report import evidence
from touchstone.report.artefacts import show_trace
from touchstone.report.legible import shown
from touchstone.report.results import DID_NOT_FINISH, Result, Results
from touchstone.report.results import PLUGIN as RESULTS

FILE = "index.html"

_PLUGIN = "touchstone-report"
_LAYERS = {"e2e": "End to end", "integration": "Integration", "unit": "Unit", "other": "Other"}
_OUTCOMES = ("failed", "error", DID_NOT_FINISH, "xpassed", OUTCOME, "skipped", "xfailed", "passed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("touchstone").addoption(
        "--report",
        metavar="FILE",
        type=Path,
        help=f"where the HTML report of the run is written (default: "
        f"{evidence.FOLDER}/{evidence.REPORT}/{FILE})",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    results = config.pluginmanager.get_plugin(RESULTS)
    assert isinstance(results, Results)
    asked: Path | None = config.option.report
    file = config.invocation_params.dir / asked if asked else None
    config.pluginmanager.register(ReportPlugin(config, results, file), _PLUGIN)


def note(config: pytest.Config, line: str) -> None:
    """Add a line about the run as a whole, such as which backing services it used."""
    plugin = config.pluginmanager.get_plugin(_PLUGIN)
    if isinstance(plugin, ReportPlugin):
        plugin.notes.append(line)


class ReportPlugin:
    """Writes the report when the run is over, and says where it is."""

    def __init__(self, config: pytest.Config, results: Results, asked: Path | None) -> None:
        self.notes: list[str] = []
        self._config = config
        self._results = results
        self._asked = asked
        self._began = datetime.now().astimezone()
        self._clock = time.monotonic()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        # What the plugins say of the run – seeds, providers – without pytest's own list of them.
        plugins = self._config.pluginmanager
        terminal = plugins.get_plugin("terminalreporter")
        if terminal is None:
            return  # nobody else would ask them, and not all are prepared for it
        header = plugins.subset_hook_caller("pytest_report_header", [terminal])
        said = header(config=self._config, start_path=self._config.invocation_params.dir)
        for lines in reversed(said):
            self.notes += [lines] if isinstance(lines, str) else lines

    # Around the wrapper that prints pytest's summary: the address is the last line.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        broken: BaseException | None = None
        try:
            yield
        except BaseException as error:
            broken = error
            raise
        finally:
            self._results.close()
            run = self._run(session, broken)
            if run.is_incomplete:
                # xdist, and whoever ends a run by a number, may say 0.
                if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                    session.exitstatus = pytest.ExitCode.INTERRUPTED
                self._say(run.headline)
            if evidence.is_new(self._config):
                self._say(self._write(run))
                evidence.judge(self._config, run.verdict)

    def _run(self, session: pytest.Session, broken: BaseException | None) -> Run:
        ends = [f"the end of the run broke: {type(broken).__name__}: {broken}"] if broken else []
        return Run(
            results=list(self._results),
            began=self._began,
            duration=time.monotonic() - self._clock,
            notes=[*self.notes, *ends],
            collected=self._results.collected,
            missing=len(self._results.missing),
            interrupted=bool(broken)
            or session.exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR),
        )

    @property
    def _file(self) -> Path:
        # Known when the run has begun: another may be at work in the same project.
        place = evidence.place_of(self._config) / evidence.REPORT / FILE
        return self._asked or place

    def _write(self, run: Run) -> str:
        """Where the report is, or why there is none."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            page = shown(mask_of(self._config)(render(run, self._file.parent)))
            if self._file.exists() and not self._file.is_file():
                self._file.write_text(page, "utf-8")  # a device, such as /dev/null
            else:
                self._replace(page)
        except OSError as error:
            return f"report: could not be written – {error}"
        return f"report: {self._file}"

    def _replace(self, page: str) -> None:
        """What was there stays until the new one is whole."""
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        try:
            draft.write_text(page, "utf-8")
            draft.replace(self._file)
        finally:
            draft.unlink(missing_ok=True)

    def _say(self, line: str) -> None:
        if terminal := self._config.pluginmanager.get_plugin("terminalreporter"):
            terminal.write_line(line)


@dataclass(frozen=True)
class Run:
    """A run that is over. `duration` is seconds, `began` has its zone."""

    results: Sequence[Result]
    began: datetime
    duration: float
    notes: Sequence[str] = ()
    collected: int = 0
    missing: int = 0
    interrupted: bool = False

    @property
    def counts(self) -> Counter[str]:
        return Counter(result.outcome for result in self.results)

    @property
    def bad(self) -> list[Result]:
        return [result for result in _ordered(self.results) if result.is_bad]

    @property
    def is_incomplete(self) -> bool:
        """Whether a test was begun and not ended, or collected and never begun."""
        return bool(self.missing or self.counts[DID_NOT_FINISH])

    @property
    def verdict(self) -> str:
        """ "passed", "failed" or "nothing", which is not to be mistaken for success."""
        if self.bad:
            return "failed"
        stopped = self.interrupted or self.is_incomplete
        return "passed" if self.counts["passed"] and not stopped else "nothing"

    @property
    def headline(self) -> str:
        total, bad = len(self.results), len(self.bad)
        if self.interrupted or self.is_incomplete:
            ran = total - self.counts[DID_NOT_FINISH]
            stopped = f"{ran} of {max(self.collected, total)} ran"
            failed = bad - self.counts[DID_NOT_FINISH]
            return f"Interrupted: {stopped}" + (f", {failed} of them failed" if failed else "")
        if bad:
            return f"{bad} of {total} failed"
        if not self.counts["passed"]:
            return "Nothing was tested"
        return "All passed" if total == self.counts["passed"] else "Nothing failed"

    @property
    def layers(self) -> list[Layer]:
        ordered = _ordered(self.results)
        return [
            Layer(
                _LAYERS[name],
                [
                    Group(title, file, list(members))
                    for (title, file), members in groupby(found, lambda r: (r.group, r.file))
                ],
            )
            for name, found in groupby(ordered, lambda result: result.layer)
        ]


@dataclass(frozen=True)
class Group:
    """A feature, or a module of tests that are no scenarios."""

    title: str
    file: str
    results: list[Result] = field(default_factory=list)

    @property
    def language(self) -> str | None:
        scenario = self.results[0].scenario
        return scenario.language if scenario else None

    @property
    def is_plain(self) -> bool:
        return all(result.outcome == "passed" for result in self.results)


@dataclass(frozen=True)
class Layer:
    """All that ran at one height of the pyramid."""

    title: str
    groups: list[Group]

    @property
    def results(self) -> list[Result]:
        return [result for group in self.groups for result in group.results]


def render(run: Run, folder: Path) -> str:
    """The page. Links to artefacts are relative to `folder`, where it is to be written."""

    def link(file: Path) -> str:
        return quote(Path(os.path.relpath(file, folder)).as_posix())

    # Here, since only one process of a run writes a report, at its end.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "link": link, "show_trace": show_trace}
    environment.globals |= {"command": command, "tally": tally, "outcomes": _OUTCOMES}
    return environment.get_template("report.html.j2").render(run=run)


def duration(seconds: float) -> str:
    """In the unit in which one would say it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def tally(results: Iterable[Result]) -> str:
    """ "1 failed, 2 errors, 12 passed", the worst first."""
    counts = Counter(result.outcome for result in results)
    words = {"error": "error" if counts["error"] == 1 else "errors"}
    return ", ".join(
        f"{counts[name]} {words.get(name, name)}" for name in _OUTCOMES if counts[name]
    )


def _ordered(results: Iterable[Result]) -> list[Result]:
    """As one would look for them, whatever the order in which they ran."""
    layers = list(_LAYERS)

    def place(result: Result) -> tuple[int, str, str, int, str]:
        line = result.scenario.line if result.scenario else 0
        return layers.index(result.layer), result.file, result.group, line, result.nodeid

    return sorted(results, key=place)
