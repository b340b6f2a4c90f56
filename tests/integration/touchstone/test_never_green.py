"""Whatever ends a run before its tests have ended, it is green nowhere: neither by its exit code,
nor in the terminal, nor in its report."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

FEATURE = """
Feature: A run

  Scenario: It begins
    Given a bench
    Then it stands

  Scenario: The bad one
    Given a bench
    Then the bad one
"""

STEPS = """
import os, signal, sys, threading
import pytest
from pytest_bdd import given, then

@given("a bench")
def _(): ...

@then("it stands")
def _(): ...

@then("the bad one")
def _():
    {}
"""

PLAIN = """
import os, signal, sys, pytest

@pytest.fixture
def prepared():
    {setup}
    yield
    {teardown}

def test_good(): ...

def test_bad_one(prepared):
    {call}
"""

HOOKS = """
import pytest

@pytest.hookimpl(wrapper=True, {order})
def pytest_runtest_makereport(item, call):
    report = yield
    if "bad" in item.nodeid and call.when == "{when}":
        raise OSError("the folder of our own notes is full")
    return report
"""

ENDS = {
    "gives up": "pytest.exit('no licence')",
    "gives up and says that all is well": "pytest.exit('no licence', returncode=0)",
    "ends the process": "os._exit(0)",
    "kills the process": "os.kill(os.getpid(), signal.SIGKILL)",
    "breaks the process": "os.kill(os.getpid(), signal.SIGSEGV)",
    "is interrupted": "raise KeyboardInterrupt",
}


def assert_red(pytester: pytest.Pytester, result: pytest.RunResult) -> None:
    said = result.stdout.str()
    assert result.ret != 0, said
    report = pytester.path / ".touchstone" / "report" / "index.html"
    if not report.exists():
        return  # the process that would have written it is gone
    page = re.sub(r"<style>.*?</style>", "", report.read_text("utf-8"), flags=re.DOTALL)
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
    assert "All passed" not in text
    assert "Nothing failed" not in text
    assert 'class="verdict-passed"' not in page
    assert not re.search(r"passed: *(The )?bad one", text), text


def run(pytester: pytest.Pytester, workers: int, *more: str) -> pytest.RunResult:
    distributed = ("-n", str(workers)) if workers else ()
    # Nothing but what is tested: other plugins take a second in each process.
    plugins = ("-p", "pytest_bdd.plugin", "-p", "xdist.plugin", "-p", "touchstone.plugin")
    return pytester.runpytest_subprocess(
        "--disable-plugin-autoload", *plugins, *distributed, *more, timeout=60
    )


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]")


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("end", ENDS)
def test_a_scenario_that_ends_the_run(pytester: pytest.Pytester, end: str, workers: int) -> None:
    pytester.makeconftest(STEPS.format(ENDS[end]))
    pytester.makefile(".feature", run=FEATURE)

    assert_red(pytester, run(pytester, workers))


@pytest.mark.parametrize(
    ("phase", "end", "workers"),
    [
        ("setup", "gives up and says that all is well", 0),
        ("teardown", "gives up and says that all is well", 1),
        ("setup", "ends the process", 1),
        ("teardown", "ends the process", 1),
    ],
)
def test_a_test_that_ends_the_run_in_any_phase(
    pytester: pytest.Pytester, end: str, phase: str, workers: int
) -> None:
    parts = {"setup": "...", "call": "...", "teardown": "..."} | {phase: ENDS[end]}
    pytester.makepyfile(PLAIN.format(**parts))

    assert_red(pytester, run(pytester, workers))


@pytest.mark.parametrize(
    ("order", "when", "workers"),
    [
        ("tryfirst=True", "call", 0),
        ("tryfirst=True", "call", 2),
        ("trylast=True", "call", 2),
        ("trylast=True", "setup", 2),
        ("tryfirst=True", "teardown", 2),
    ],
)
def test_a_hook_that_breaks(pytester: pytest.Pytester, order: str, when: str, workers: int) -> None:
    pytester.makeconftest(HOOKS.format(order=order, when=when))
    pytester.makepyfile(PLAIN.format(setup="...", call="assert 1 == 2", teardown="..."))

    assert_red(pytester, run(pytester, workers))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("hook", ["pytest_runtest_logreport(report)", "pytest_sessionfinish()"])
def test_a_hook_of_the_run_that_breaks(pytester: pytest.Pytester, hook: str, workers: int) -> None:
    pytester.makeconftest(f"def {hook}:\n    raise OSError('full')\n")
    pytester.makepyfile("def test_bad_one(): ...")

    assert run(pytester, workers).ret != 0


@pytest.mark.parametrize("workers", [0, 2])
def test_one_of_two_files_that_cannot_be_collected(pytester: pytest.Pytester, workers: int) -> None:
    pytester.makepyfile(test_good="def test_it(): ...", test_bad="import nothing_like_that")

    assert_red(pytester, run(pytester, workers))


def test_tests_that_were_collected_and_that_nobody_began(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item):
            return True if "bad" in item.nodeid else None
        """
    )
    pytester.makepyfile("def test_good(): ...\ndef test_bad_one(): ...")

    result = run(pytester, 0)

    assert_red(pytester, result)
    result.stdout.fnmatch_lines(["Interrupted: 1 of 2 ran"])


def test_a_run_that_is_interrupted_says_how_far_it_came(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "\n".join(f"def test_{number}(): ..." for number in range(11))
        + "\ndef test_bad_one(): raise KeyboardInterrupt\n"
        + "\n".join(f"def test_later_{number}(): ..." for number in range(10))
    )

    result = run(pytester, 0)

    assert_red(pytester, result)
    result.stdout.fnmatch_lines(["Interrupted: 11 of 22 ran"])


def test_a_report_is_not_replaced_by_half_of_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): ...")
    run(pytester, 0)
    report = pytester.path / ".touchstone" / "report" / "index.html"
    report.write_text("the last one")
    report.parent.chmod(0o755)
    pytester.makeconftest(
        """
        from touchstone.report import html

        def broken(*_):
            raise OSError("No space left on device")

        html.render = broken
        """
    )

    result = run(pytester, 0)

    assert result.ret == 0
    result.stdout.fnmatch_lines(["report: could not be written*No space left on device"])
    assert report.read_text() == "the last one"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "letters", [r"\udcff", r"\x1b[31m", r"\x00\x07", r"\u202e"], ids=["half", "ansi", "nul", "turn"]
)
def test_no_letter_breaks_the_run_or_its_report(
    pytester: pytest.Pytester, letters: str, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else pytest gives the terminal the byte that the half stands for.
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:backslashreplace")
    pytester.makepyfile(
        f"""
        import sys, warnings, pytest

        @pytest.mark.parametrize("name", ["ring {letters} "])
        def test_bad_one(name, record_property):
            print(name)
            sys.stderr.write(name)
            record_property("name", name)
            warnings.warn(name)
            assert name == "ring"

        def test_good(): ...
        """
    )
    pytester.makeini(
        "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true"
    )

    result = run(pytester, workers, "-W", "default")

    assert result.ret == 1, result.stdout.str()
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (1, 1)
    page = Path(".touchstone/report/index.html").read_bytes().decode()
    assert "1 of 2 failed" in page
    assert not [letter for letter in page if ord(letter) < 0x20 and letter not in "\t\n"]
    assert not set(page) & set("\u202e\x7f\x85")


@pytest.mark.parametrize("workers", [0, 2])
def test_terminal_and_report_count_alike(pytester: pytest.Pytester, workers: int) -> None:
    """A wrong value in a step, which is no failure of what the scenario tests."""
    pytester.makeconftest(
        """
        import pytest
        from pytest_bdd import given, parsers, then

        @pytest.fixture
        def price(text):
            return float(text)

        @given(parsers.parse("a price of {text}"), target_fixture="text")
        def _(text):
            return text

        @then("it is dear")
        def _(price):
            assert price > 100
        """
    )
    pytester.makefile(
        ".feature",
        prices="""
            Feature: Prices
              Scenario: A wrong value
                Given a price of much
                Then it is dear
              Scenario: A cheap one
                Given a price of 1
                Then it is dear
              Scenario: A dear one
                Given a price of 1000
                Then it is dear
        """,
    )

    result = run(pytester, workers)

    result.assert_outcomes(passed=1, failed=1, errors=1)
    page = Path(".touchstone/report/index.html").read_text("utf-8")
    assert "1 failed, 1 error, 1 passed" in page


def test_rows_of_examples_stand_in_their_order(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        from pytest_bdd import parsers, then

        @then(parsers.parse("it is of {metal}"))
        def _(metal): ...
        """
    )
    pytester.makefile(
        ".feature",
        rings="""
            Feature: Rings
              Scenario Outline: Of <metal>
                Then it is of <metal>
                Examples:
                  | metal    |
                  | silver   |
                  | gold     |
                  | platinum |
                  | copper   |
        """,
    )

    run(pytester, 2)

    page = Path(".touchstone/report/index.html").read_text("utf-8")
    named = re.findall(r'class="name">Of (\w+)', page)
    assert named == ["silver", "gold", "platinum", "copper"]
