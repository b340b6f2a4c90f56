"""What each test came to: the reports of its phases, put together in the process that the user
started. The progress line and the HTML report read from here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from touchstone import not_possible
from touchstone.gherkin.scenario_record import ScenarioRecord
from touchstone.report import artefacts, legible

PLUGIN = "touchstone-results"
KEPT = "touchstone.kept"
"""The property of a report that names the sandbox which was kept."""
LAYERS = ("unit", "integration", "e2e")

DID_NOT_FINISH = "did not finish"
"""The outcome of a test until everything that belongs to it has reported."""

# The worst phase decides. That a test failed by itself is worse news than that something around
# it broke.
_RANK = ("passed", "skipped", not_possible.OUTCOME, "xfailed", "xpassed", "error", "failed")
_NO_END = (
    "It was begun and did not come to its end: the process that ran it was lost, a hook broke, or "
    "the run was given up. What the terminal says last tells more."
)
_MODULE = re.compile(r"^(?:\w+\.)+(?=\w+:)")


@dataclass
class Result:
    """One test. `outcome` is "did not finish" until its teardown has reported; then "passed",
    "failed", "error" (what it needs could not be made or put away), "skipped", "not possible
    here", "xfailed" or "xpassed"; `duration` is seconds over all phases; `message` is what was
    raised, `traceback` where, `output` what was captured, by heading; `kept` names its sandbox,
    where that was kept."""

    nodeid: str
    title: str
    outcome: str = DID_NOT_FINISH
    duration: float = 0.0
    over: bool = False
    scenario: ScenarioRecord | None = None
    reason: str = ""
    message: str = ""
    traceback: str = ""
    output: dict[str, str] = field(default_factory=dict)
    artefacts: list[Path] = field(default_factory=list)
    kept: str = ""
    worst: str = "passed"

    @property
    def is_bad(self) -> bool:
        return self.outcome in ("failed", "error", DID_NOT_FINISH)

    def add(self, outcome: str) -> None:
        """What one of its phases came to."""
        self.worst = max(self.worst, outcome, key=_RANK.index)
        if self.over or self.worst in ("failed", "error"):
            self.outcome = self.worst

    @property
    def file(self) -> str:
        """The feature file of a scenario, the module of any other test; from the root."""
        return self.scenario.file if self.scenario else self._module

    @property
    def layer(self) -> str:
        if self.scenario:
            return "e2e"
        parts = PurePosixPath(self._module).parts
        return next((part for part in parts if part in LAYERS), "other")

    @property
    def group(self) -> str:
        """The feature of a scenario, the module of any other test in words."""
        if self.scenario:
            return self.scenario.feature
        path = PurePosixPath(self._module)
        folders = [part for part in path.parts[:-1] if part not in ("tests", *LAYERS)]
        return " / ".join([*folders, in_words(path.stem)])

    @property
    def _module(self) -> str:
        return self.nodeid.partition("::")[0]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(config), PLUGIN)


class Results:
    """Collects the results of a run, in its controller.

    A test that was begun is there from then on. Which tests there are to be is known from their
    collection: what nobody has begun when the run is over is `missing`.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._by_test: dict[tuple[str, str], Result] = {}
        self._begun: Counter[str] = Counter()
        self._titles: dict[str, str] = {}
        self._collected: set[str] = set()

    @property
    def collected(self) -> int:
        """How many tests there are to be."""
        return len(self._collected)

    @property
    def missing(self) -> set[str]:
        """The ids of those that were collected and never begun."""
        return self._collected - set(self._begun) - {result.nodeid for result in self}

    def __iter__(self) -> Iterator[Result]:
        return iter(self._by_test.values())

    def of(self, report: pytest.TestReport) -> Result:
        """The same test may run several times, and is then several tests: one that passes does not
        make up for one that failed."""
        key = (_worker(report), report.nodeid)
        if key in self._by_test and self._by_test[key].over and report.when == "setup":
            self._by_test[f"{key[0]} before {len(self._by_test)}", key[1]] = self._by_test.pop(key)
        if key not in self._by_test:
            self._by_test[key] = Result(report.nodeid, in_words(report.location[2]))
        return self._by_test[key]

    def count(self, *outcomes: str) -> int:
        return sum(result.over and result.outcome in outcomes for result in self)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._collected |= {item.nodeid for item in session.items}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._collected |= set(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self._begun[nodeid] += 1
        self._titles[nodeid] = in_words(location[2])

    def close(self) -> None:
        """The run is over: what was begun and has told nothing did not finish."""
        told = Counter(result.nodeid for result in self)
        for nodeid in (self._begun - told).elements():
            nth = f"silent {len(self._by_test)}"
            self._by_test[nth, nodeid] = Result(nodeid, self._titles[nodeid])
        for result in self:
            if result.outcome == DID_NOT_FINISH:
                result.message = "\n\n".join(filter(None, [result.message, _NO_END]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = self.of(report)
        result.scenario = ScenarioRecord.from_report(report) or result.scenario
        result.duration += report.duration
        # A worker that crashed reports its test in a phase of no name.
        result.over = report.when not in ("setup", "call")
        outcome = self._outcome(report)
        result.add(outcome)
        result.artefacts = artefacts.files_of(report) or result.artefacts
        result.kept = str(dict(report.user_properties).get(KEPT, result.kept))
        if report.failed:
            _add_failure(result, report)
        elif outcome in ("skipped", not_possible.OUTCOME, "xfailed", "xpassed"):
            result.reason = result.reason or _reason(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.passed:
            return
        title = "the whole file" if report.skipped else "could not be collected"
        result = Result(report.nodeid, title, "skipped" if report.skipped else "error", over=True)
        if report.skipped:
            result.reason = _reason(report)
        else:
            _add_failure(result, report)
        self._by_test["", report.nodeid] = result

    def _outcome(self, report: pytest.TestReport) -> str:
        said = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        # Without pytest's terminal nobody may have anything to say.
        category = said[0] if said else report.outcome
        return category if category in _RANK else "failed" if report.failed else "passed"


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """In the terminal, too, what a scenario needs and could not be made is no failure of what it
    tests; nor is a worker that was lost."""
    if not isinstance(report, pytest.TestReport) or not report.failed:
        return None
    scenario = ScenarioRecord.from_report(report)
    step = scenario.failed_step if scenario else None
    was_lost = report.when not in ("setup", "call", "teardown")
    if was_lost or (report.when == "call" and step and step.status == "broken"):
        return "error", "E", "ERROR"
    return None


def in_words(name: str) -> str:
    """`test_price_grows[twice]` → "price grows (twice)"; the title of a scenario stays as it is."""
    path, bracket, row = name.partition("[")
    last = path.rpartition(".")[2]
    if not last.startswith("test_"):
        return name
    words = last.removeprefix("test_").replace("_", " ")
    return f"{words} ({row.removesuffix(']')})" if bracket else words


def _worker(report: pytest.TestReport) -> str:
    node = getattr(report, "node", None)
    return str(node.gateway.id) if node else ""


def _add_failure(result: Result, report: pytest.TestReport | pytest.CollectReport) -> None:
    step = result.scenario.failed_step if result.scenario else None
    crash = getattr(report.longrepr, "reprcrash", None)
    text = _plain(str(report.longrepr))
    if step and step.status == "undefined":
        message = "no step definition matches this step"
    else:
        message = _MODULE.sub("", _plain(str(crash.message)) if crash else text)
    result.message = "\n\n".join(filter(None, [result.message, message]))
    result.traceback = "\n\n".join(filter(None, [result.traceback, text]))
    result.output |= {
        name: _plain(content)
        for name, content in report.sections
        if name != artefacts.SECTION and content.strip()
    }


def _plain(text: str) -> str:
    return legible.plain(text).strip()


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
    return text.removeprefix("Skipped: ")
