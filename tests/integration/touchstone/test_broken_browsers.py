"""Whatever happens to Playwright's driver, to a browser or to a page in one test, the next test
gets whole ones, and nothing of it complains later."""

from __future__ import annotations

import pytest

TESTS = """
    import threading
    from contextlib import suppress

    import psutil
    import pytest
    from playwright.sync_api import Error

    from touchstone.browser import fixtures as browser
    from touchstone.waiting import eventually

    def driver():
        [one] = [each for each in psutil.Process().children() if "run-driver" in each.cmdline()]
        return one

    def browsers():
        return driver().children(recursive=True)

    def each(processes, act):
        for process in processes:
            with suppress(psutil.Error):
                getattr(process, act)()

    def in_another_thread(page):
        found = []

        def use():
            try:
                page.title()
            except RuntimeError as error:
                found.append(str(error))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert "at_once" in found[0]

    def crash(page):
        with pytest.raises(Error):
            page.goto("chrome://crash", timeout=2_000)

    FAULTS = {
        "nothing": lambda page: None,
        "driver killed": lambda page: each([driver()], "kill"),
        "driver frozen": lambda page: each([driver()], "suspend"),
        "browser killed": lambda page: each(browsers(), "kill"),
        "browser frozen": lambda page: each(browsers(), "suspend"),
        "browser closed": lambda page: page.context.browser.close(),
        "context closed": lambda page: page.context.close(),
        "page closed": lambda page: page.close(),
        "page crashed": crash,
        "page hangs": lambda page: page.evaluate("() => { setTimeout(() => { while (true); }) }"),
        "used in another thread": in_another_thread,
    }

    @pytest.fixture(autouse=True)
    def impatient(monkeypatch):
        monkeypatch.setattr(browser, "_PATIENCE", 2.0)

    def look(browse):
        page = browse("Anna")
        page.goto("data:text/html,<p>whole</p>")
        assert page.inner_text("p") == "whole"
        return page
"""


def test_the_next_test_gets_whole_ones(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        TESTS
        + """
    @pytest.mark.parametrize("step", range(2 * len(FAULTS)))
    def test_fault_and_then_none(browse, step):
        page = look(browse)
        if step % 2 == 0:
            list(FAULTS.values())[step // 2](page)

    def test_it_dies_before_the_first_page(browse):
        each([driver()], "kill")
        look(browse)
    """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-W", "error")
    result.assert_outcomes(passed=23)


def test_people_with_pages_act_at_once(pytester: pytest.Pytester) -> None:
    """Each can only end when the other one has come as far: one after the other would wait."""
    pytester.makepyfile(
        TESTS
        + """
    def test_at_once(browse, at_once):
        anna, boris = browse("Anna"), browse("Boris")
        arrived = []

        def meets(page, name, other):
            page.goto(f"data:text/html,<p>{name}</p>")
            arrived.append(name)
            eventually(lambda: other in arrived)
            return page.inner_text("p")

        def reads():
            eventually(lambda: len(arrived) == 2)
            return threading.current_thread() is threading.main_thread()

        def fails():
            raise ValueError("as it should")

        both = [lambda: meets(anna, "Anna", "Boris"), lambda: meets(boris, "Boris", "Anna")]
        assert at_once(both, [reads]) == ["Anna", "Boris", False]
        with pytest.raises(ValueError):
            at_once([fails, both[0]], [fails])
        assert at_once([], [lambda: 1, lambda: 2]) == [1, 2]

    def test_afterwards(browse):
        look(browse)
    """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-W", "error")
    result.assert_outcomes(passed=2)
