"""What a run says when a browser, or a program that it needs, is not there."""

from __future__ import annotations

import pytest

from tests.integration.touchstone.recorded_run import Run


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    return Run(pytester)


def test_a_missing_browser_is_one_clear_message(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_page(browse): pass")

    result = run("--browser-path=/nowhere/chromium")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["/nowhere/chromium: no such program. --browser-path and*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_playwrights_own_browser_is_asked_for_by_its_command(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("def test_page(browse): pass")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(pytester.path))  # where none is

    result = run("--browser=firefox")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["browser: firefox *", "*  python -m playwright install --with-deps firefox"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_program_of_another_maker_is_no_firefox(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_page(browse): pass")

    result = run("--browser=firefox", "--browser-path=/bin/false")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["/bin/false does not start as a browser. Playwright drives its own build of firefox only."]
    )


def test_a_film_without_its_program_is_one_clear_message(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("def test_page(browse): browse('Anna')")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(pytester.path))  # where none is

    result = run("--video")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*python -m playwright install ffmpeg"])
    result.stdout.no_fnmatch_line("*Traceback*")
