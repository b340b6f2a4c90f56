from __future__ import annotations

import io

from rich.text import Text

from touchstone.gherkin.scenario_record import ScenarioRecord, StepRecord
from touchstone.report.progress_line import Screen, finished
from touchstone.report.results import Result

SCENARIO = ScenarioRecord(
    feature="Shop order",
    name="A ring",
    file="features/order.feature",
    line=3,
    language="en",
    steps=[
        StepRecord("Given", "a shop", 4, "passed", 0.1),
        StepRecord("Then", "the price is € 120.00", 5, "failed", 10.0),
    ],
)


def lines(result: Result) -> list[str]:
    return finished(result).plain.splitlines()


def test_a_scenario_that_passed_is_one_line() -> None:
    result = Result("test_order.py::test_a", "A ring", "passed", 12.34, scenario=SCENARIO)

    assert lines(result) == ["  ✓ Shop order › A ring  12.3 s"]


def test_a_scenario_that_failed_names_its_step_and_what_was_raised() -> None:
    result = Result(
        "test_order.py::test_a",
        "A ring",
        "failed",
        duration=12.34,
        scenario=SCENARIO,
        message="NotYetTrue: the price: not so within 10.0 s\n   0.00 – 10.00 s  None",
    )

    assert lines(result) == [
        "  ✗ Shop order › A ring  12.3 s",
        "      Then the price is € 120.00  features/order.feature:5",
        "      NotYetTrue: the price: not so within 10.0 s",
    ]


def test_a_skip_gives_its_reason_and_no_time() -> None:
    result = Result("tests/e2e/test_order.py::test_a", "a", "skipped", reason="no Docker here")

    assert lines(result) == ["  – order › a  skipped: no Docker here"]


def test_what_was_not_possible_is_no_skip_and_no_pass() -> None:
    result = Result("test_order.py::test_a", "a", "not possible here", reason="no broker")

    assert lines(result) == ["  ○ order › a  not possible here: no broker"]


def test_an_error_around_a_test_is_not_taken_for_its_failure() -> None:
    result = Result("test_order.py::test_a", "a", "error", message="InfrastructureError: no disk")

    assert lines(result) == ["  ! order › a  0.0 s", "      InfrastructureError: no disk"]


def test_a_message_of_a_thousand_characters_stays_one_line() -> None:
    result = Result("test_order.py::test_a", "a", "failed", message="x" * 1000)

    assert all(len(line) < 180 for line in lines(result))


def test_a_long_time_is_told_in_minutes() -> None:
    assert lines(Result("test_a.py::test_b", "b", "passed", duration=150)) == ["  ✓ a › b  2.5 min"]


def test_what_is_no_terminal_gets_plain_lines_only() -> None:
    stream = io.StringIO()
    screen = Screen(stream)

    screen.live(lambda: Text("▸ 1 of 2"))
    screen.write(Text("✓ done", "green"))

    assert stream.getvalue() == "✓ done\n"
