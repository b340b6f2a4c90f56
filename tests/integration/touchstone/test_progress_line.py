"""What somebody who watches a run sees, and the report that is written at its end."""

from __future__ import annotations

import html
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

FEATURE = """
Feature: Ring

  Scenario: It has a price
    Given a shop

  Scenario: It is shipped
    Given a shop
    Then it fails

  Scenario: It needs what is not there
    Given something broken
"""

STEPS = """
    import pytest
    from pytest_bdd import given, scenarios, then

    scenarios(".")

    @given("a shop")
    def shop():
        pass

    @then("it fails")
    def fails():
        raise AssertionError("the order was lost")

    @pytest.fixture
    def broken():
        raise RuntimeError("no broker")

    @given("something broken")
    def something(broken):
        pass
"""

PLAIN = """
    import pytest

    @pytest.mark.skip(reason="no Docker here")
    def test_later():
        pass

    @pytest.mark.xfail(reason="issue 7")
    def test_known():
        assert False
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    return Run(pytester)


class Run:
    """Runs pytest with touchstone's progress and report, in a process of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.report = pytester.path / ".touchstone" / "report" / "index.html"

    def __call__(self, *arguments: str) -> pytest.RunResult:
        return self._pytester.run(*self._command(*arguments))

    def on_a_terminal(self, *arguments: str) -> str:
        """All that a terminal got, control characters and all."""
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        command = self._command(*arguments)
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, cwd=self._pytester.path, env=environment
        )
        os.close(theirs)
        got = b""
        try:
            while more := os.read(ours, 4096):
                got += more
        except OSError:
            pass  # this is how Linux says that the other side is closed
        os.close(ours)
        process.wait()
        return got.decode()

    def page(self, file: Path | None = None) -> str:
        text = re.sub(r"<[^>]+>", " ", (file or self.report).read_text("utf-8"))
        return " ".join(html.unescape(text).split())

    def _command(self, *arguments: str) -> list[str]:
        plugins = (
            "gherkin.scenario_record",
            "report.evidence",
            "report.artefacts",
            "report.results",
            "report.progress",
            "report.html",
        )
        return [
            *(sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-W", "error"),
            *("-p", "pytest_bdd.plugin", "-p", "xdist"),
            *(part for name in plugins for part in ("-p", f"touchstone.{name}")),
            f"--rootdir={self._pytester.path}",
            *arguments,
        ]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_line_for_each_test_that_is_over(
    pytester: pytest.Pytester, run: Run, workers: tuple[str, ...]
) -> None:
    pytester.makefile(".feature", ring=FEATURE.lstrip())
    pytester.makepyfile(test_ring=STEPS, test_plain=PLAIN)

    result = run("--progress", *workers)

    lines = [re.sub(r"\d+\.\d s", "T", line) for line in result.outlines]
    for expected in [
        "  ✓ Ring › It has a price  T",
        "  ✗ Ring › It is shipped  T",
        "      Then it fails  ring.feature:8",
        "      AssertionError: the order was lost",
        "  ! Ring › It needs what is not there  T",
        "      RuntimeError: no broker",
        "  – plain › later  skipped: no Docker here",
        "  ✓ plain › known  T  xfailed: issue 7",
    ]:
        assert expected in lines
    assert not re.search(r"[\r\x1b]", result.stdout.str())
    assert lines[-1] == f"report: {run.report}"
    # pytest's own account of the failures is still there, with its words.
    result.stdout.fnmatch_lines(["*___ It is shipped ___*", "FAILED test_ring.py::test_it_is_*"])
    assert not any(re.fullmatch(r"test_\w+\.py [.FsxE]+.*", line) for line in lines)

    page = run.page()
    for expected in [
        "2 of 5 failed",
        "1 failed, 1 error, 1 skipped, 1 xfailed, 1 passed",
        "the order was lost",
        "failed: Then it fails",
        "broken: Given something broken",
        "skipped: no Docker here",
    ]:
        assert expected in page


def test_on_a_terminal_one_line_lives(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_slow="import threading\ndef test_slow(): threading.Event().wait(0.7)",
        conftest="""
            import threading
            from touchstone.report import progress

            def pytest_sessionstart(session):
                progress.status(session.config, "starting PostgreSQL")
                threading.Event().wait(0.3)
        """,
    )

    screen = run.on_a_terminal("--progress")

    live = [
        re.sub(r"\x1b\[[\d;]*m", "", frame)
        for frame in re.split(r"\r(?:\n\r\x1b\[1A)?\x1b\[2K", screen)
    ]
    assert any(re.fullmatch(r"  ▸ 0:0\d · starting PostgreSQL", frame) for frame in live)
    assert any(re.fullmatch(r"  ▸ 0 of 1 · 0:0\d · now: slow", frame) for frame in live)
    assert sum("now: slow" in frame for frame in live) > 1, "the clock stands still"
    assert any(re.match(r"  ✓ slow › slow  0\.\d s", frame) for frame in live)
    # Nothing of it stays, and the cursor was never taken away.
    assert "▸" not in live[-1]
    assert "\x1b[?25l" not in screen


def test_a_worker_that_dies_is_told_and_reported(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_dies="import os\ndef test_dies(): os._exit(1)\ndef test_lives(): pass")

    result = run("--progress", "-n", "1")

    result.stdout.fnmatch_lines(["  ! dies › dies*", "      worker 'gw0' crashed*"])
    assert "1 of 2 failed" in run.page()


def test_a_file_that_cannot_be_collected_is_no_success(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_broken="import nothing_of_this_name", test_good="def test_a(): pass")

    run("--continue-on-collection-errors")

    assert "1 of 2 failed" in run.page()
    assert "No module named 'nothing_of_this_name'" in run.page()


def test_the_teardown_can_fail_what_had_passed(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def left_over():
            yield
            raise RuntimeError("left-overs")

        def test_a(left_over):
            print("printed on the way")
        """
    )

    run("--progress").stdout.fnmatch_lines(["  ! * › a  *", "      RuntimeError: left-overs"])
    assert "1 of 1 failed 1 error" in run.page()
    assert "printed on the way" in run.page()


def test_the_report_goes_where_it_is_asked_to(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_a="def test_a(): pass",
        conftest="""
            from touchstone.report import html

            def pytest_report_header():
                return "backing: native, PostgreSQL 15"

            def pytest_sessionfinish(session):
                html.note(session.config, "PostgreSQL took 0.9 s to start")
        """,
    )

    result = run("--report=out/all.html")

    file = pytester.path / "out" / "all.html"
    assert result.outlines[-1] == f"report: {file}"
    assert not run.report.exists()
    page = run.page(file)
    assert "All passed" in page
    assert "backing: native, PostgreSQL 15" in page
    assert "PostgreSQL took 0.9 s to start" in page
    assert "rootdir" not in page


def test_a_report_that_cannot_be_written_does_not_end_the_run(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile(test_a="def test_a(): pass")
    pytester.path.joinpath("file").write_text("not a folder")

    result = run("--report=file/index.html")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["report: could not be written – *"])


def test_looking_what_there_is_writes_nothing(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_a="def test_a(): pass")

    run("--collect-only", "--progress").stdout.fnmatch_lines(["*test_a*"])

    assert not run.report.parent.parent.exists()
