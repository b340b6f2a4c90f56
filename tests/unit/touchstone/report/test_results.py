from __future__ import annotations

from typing import Literal, cast

import pytest

from touchstone.report.results import DID_NOT_FINISH, Result, Results, in_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test_price_grows", "price grows"),
        ("test_price_grows[gold-585]", "price grows (gold-585)"),
        ("TestPrice.test_it_grows", "it grows"),
        ("test_цена_растёт", "цена растёт"),
        ("A customer's ring. Twice", "A customer's ring. Twice"),
        ("Weighing [gold]", "Weighing [gold]"),
    ],
)
def test_a_function_is_read_as_words_and_a_scenario_as_it_is(name: str, words: str) -> None:
    assert in_words(name) == words


@pytest.mark.parametrize(
    ("nodeid", "layer", "group"),
    [
        ("tests/unit/touchstone/test_waiting.py::test_a", "unit", "touchstone / waiting"),
        ("tests/integration/test_outbox.py::test_a[x::y]", "integration", "outbox"),
        ("tests/e2e/test_journey.py::test_a", "e2e", "journey"),
        ("test_somewhere.py::test_a", "other", "somewhere"),
    ],
)
def test_a_test_is_filed_by_its_place(nodeid: str, layer: str, group: str) -> None:
    result = Result(nodeid, "a")

    assert (result.layer, result.group) == (layer, group)


RING = "test_rings.py::test_ring"


def report(
    when: Literal["setup", "call", "teardown"], outcome: Literal["passed", "failed"] = "passed"
) -> pytest.TestReport:
    place = ("test_rings.py", 1, "test_ring")
    return pytest.TestReport(RING, place, {}, outcome, None, when)


def test_a_test_has_passed_when_its_last_phase_has(pytestconfig: pytest.Config) -> None:
    results = Results(pytestconfig)
    seen = []
    phases: tuple[Literal["setup", "call", "teardown"], ...] = ("setup", "call", "teardown")
    for phase in phases:
        results.pytest_runtest_logreport(report(phase))
        [result] = results
        seen.append((result.outcome, result.is_bad, results.count("passed")))

    assert seen == [(DID_NOT_FINISH, True, 0), (DID_NOT_FINISH, True, 0), ("passed", False, 1)]


def test_a_second_run_does_not_make_up_for_a_first_that_failed(
    pytestconfig: pytest.Config,
) -> None:
    results = Results(pytestconfig)
    outcomes: tuple[Literal["failed", "passed"], ...] = ("failed", "passed")
    for outcome in outcomes:
        results.pytest_runtest_logreport(report("setup"))
        results.pytest_runtest_logreport(report("call", outcome))
        results.pytest_runtest_logreport(report("teardown"))

    assert sorted(result.outcome for result in results) == ["failed", "passed"]


def test_a_second_run_that_tells_nothing_did_not_finish(pytestconfig: pytest.Config) -> None:
    results = Results(pytestconfig)
    for _ in range(2):
        results.pytest_runtest_logstart(RING, ("test_rings.py", 1, "test_ring"))
    phases: tuple[Literal["setup", "call", "teardown"], ...] = ("setup", "call", "teardown")
    for phase in phases:
        results.pytest_runtest_logreport(report(phase))
    results.close()

    assert [result.outcome for result in results] == ["passed", DID_NOT_FINISH]


def test_what_was_begun_and_has_told_nothing_did_not_finish(pytestconfig: pytest.Config) -> None:
    results = Results(pytestconfig)
    results.pytest_xdist_node_collection_finished([RING, "test_rings.py::test_other"])
    results.pytest_runtest_logstart(RING, ("test_rings.py", 1, "test_ring"))
    results.close()

    [result] = results
    assert (result.title, result.outcome, result.is_bad) == ("ring", DID_NOT_FINISH, True)
    assert "did not come to its end" in result.message
    assert (results.collected, results.missing) == (2, {"test_rings.py::test_other"})


def test_what_its_worker_was_lost_with_is_over_and_no_failure_of_its_own(
    pytestconfig: pytest.Config,
) -> None:
    results = Results(pytestconfig)
    crash = report("call", "failed")
    crash.when = cast(Literal["call"], "???")  # as xdist has it
    results.pytest_runtest_logreport(crash)

    assert results.count("error") == 1
