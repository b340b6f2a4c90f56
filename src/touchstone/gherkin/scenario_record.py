"""What is known of a running scenario: its title, its feature, and how each step went.

pytest-bdd tells each step to hooks; this plugin keeps what they say with the test, and sends it
along with the test's reports as plain data, so that it also reaches the controller of a
distributed run. Tests that are no scenarios have no record.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.parser import ScenarioTemplate
from pytest_bdd.scenario import scenario_wrapper_template_registry

PROPERTY = "touchstone.scenario"

_BAD = ("failed", "broken", "undefined")
_ROW = "_pytest_bdd_example"  # the parameter by which pytest-bdd hands over an outline's row


@dataclass
class StepRecord:
    """`status` is "passed", "failed", "broken" (what it needs could not be made: a fixture failed,
    it was not tried), "undefined" (no step definition) or "not run"; `duration` is seconds."""

    keyword: str
    name: str
    line: int
    status: str = "not run"
    duration: float = 0.0

    def __str__(self) -> str:
        return f"{self.keyword} {self.name}"


@dataclass
class ScenarioRecord:
    """`file` is the feature file, relative to the root of the project."""

    feature: str
    name: str
    file: str
    line: int
    language: str
    steps: list[StepRecord] = field(default_factory=list)

    @property
    def failed_step(self) -> StepRecord | None:
        return next((s for s in self.steps if s.status in _BAD), None)

    def place(self, step: StepRecord) -> str:
        return f"{self.file}:{step.line}"

    @classmethod
    def from_report(cls, report: pytest.TestReport) -> ScenarioRecord | None:
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, dict):
                data: dict[str, Any] = value
                return cls(**{**data, "steps": [StepRecord(**step) for step in data["steps"]]})
        return None


_record = pytest.StashKey[ScenarioRecord]()
_current = pytest.StashKey[tuple[StepRecord, float]]()


def scenario_of(item: pytest.Item) -> ScenarioRecord | None:
    return item.stash.get(_record, None)


def current_step(item: pytest.Item) -> StepRecord | None:
    """The step that is running now."""
    running = item.stash.get(_current, None)
    return running[0] if running else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """A scenario goes by its own name in failure headings and progress, not by the name of the
    function that was made for it. The node id, which people type, stays."""
    template = _template(item)
    if template is None:
        return
    row = _row(item)
    name = template.render(row).name
    callspec = getattr(item, "callspec", None)
    params = dict(callspec.params) if callspec else {}
    params.pop(_ROW, None)
    values = [str(value) for value in params.values() if value]
    if name == template.name:
        values = [*row.values(), *values]
    if values:
        name += f" ({', '.join(values)})"
    path, line, _ = item.location
    item.location = (path, line, name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The record is there before anything can fail."""
    template = _template(item)
    if template is None:
        return
    feature = template.feature
    item.stash[_record] = ScenarioRecord(
        feature=feature.name,
        name=item.location[2],
        file=Path(os.path.relpath(feature.filename, item.config.rootpath)).as_posix(),
        line=getattr(item, "line", template.line_number),  # of its row, where it has one
        language=feature.language,
        steps=[
            StepRecord(step.keyword.strip(), step.name, step.line_number)
            for step in template.render(_row(item)).steps
        ],
    )


def _template(item: pytest.Item) -> ScenarioTemplate | None:
    function = getattr(item, "function", None)
    return scenario_wrapper_template_registry.get(function) if function else None


def _row(item: pytest.Item) -> dict[str, str]:
    """The values of a scenario outline's row."""
    callspec = getattr(item, "callspec", None)
    row: dict[str, str] = callspec.params.get(_ROW, {}) if callspec else {}
    return row


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_bdd_before_step(request: pytest.FixtureRequest) -> None:
    step = _next(request)
    # Broken until its fixtures are there, failed until it has come to its end.
    step.status = "broken"
    request.node.stash[_current] = (step, time.perf_counter())


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_bdd_before_step_call(request: pytest.FixtureRequest) -> None:
    request.node.stash[_current][0].status = "failed"


@pytest.hookimpl(trylast=True, optionalhook=True)
def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    _end(request).status = "passed"


@pytest.hookimpl(trylast=True, optionalhook=True)
def pytest_bdd_step_error(request: pytest.FixtureRequest) -> None:
    _end(request)


@pytest.hookimpl(optionalhook=True)
def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest) -> None:
    _next(request).status = "undefined"


def _next(request: pytest.FixtureRequest) -> StepRecord:
    record: ScenarioRecord = request.node.stash[_record]
    return next(step for step in record.steps if step.status == "not run")


def _end(request: pytest.FixtureRequest) -> StepRecord:
    step: StepRecord
    step, began = request.node.stash[_current]
    step.duration = time.perf_counter() - began
    del request.node.stash[_current]
    return step


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    record = scenario_of(item)
    if record and report.skipped and (step := current_step(item)):
        step.status = "not run"  # it skipped the scenario: nobody calls that a failed step
    if record:
        report.user_properties.append((PROPERTY, asdict(record)))
    return report
