"""What a person reads when a page does not have the control that a step needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, TimeoutError

from touchstone.browser.missing_controls import described

HTML = """
<title>Order AT-1</title>
<button disabled>Close</button> <button style="display: none">Hidden</button> <a href="#x">Back</a>
<label>Metal <select><option>Gold 585</option><option>Silver 925</option></select></label>
"""

Control = Callable[[Page], Locator]


@pytest.mark.parametrize(
    ("control", "lines"),
    [
        (
            lambda page: page.get_by_role("button", name="Approve"),
            [
                "There is no button “Approve” on the page “Order AT-1”.",
                "Buttons there: “Close”",
                "Links there: “Back”",
                "Lists there: “Metal”",
            ],
        ),
        (
            lambda page: page.get_by_label("Finish"),
            ["There is no field “Finish” on the page “Order AT-1”."],
        ),
        (
            lambda page: page.get_by_role("button", name="Close"),
            [
                "The button “Close” is on the page “Order AT-1”, and cannot be used: "
                "it is switched off."
            ],
        ),
    ],
)
def test_a_control_that_is_missing_or_of_no_use(
    browse: Callable[[str], Page], control: Control, lines: list[str]
) -> None:
    page = browse("Anna")
    page.set_content(HTML)
    with pytest.raises(TimeoutError):
        control(page).click(timeout=50)

    said = described(control(page), "en").splitlines()

    assert said[: len(lines)] == lines


def test_an_option_that_a_list_does_not_have(browse: Callable[[str], Page]) -> None:
    page = browse("Anna")
    page.set_content(HTML)
    metal = page.get_by_role("combobox", name="Metal")
    with pytest.raises(TimeoutError):
        metal.select_option(label="Bronze", timeout=50)

    assert described(metal, "ru") == (
        "У списка «Metal» нет такого значения. Есть: «Gold 585», «Silver 925»."
    )


def test_the_failure_of_a_scenario_says_it_instead_of_a_time_out(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        f"""
        import pytest
        from pytest_bdd import given, when, then

        @pytest.fixture
        def page(browse):
            return browse("Anna")

        @given("страница")
        def _(page):
            page.set_content({HTML!r})

        @when("заказ одобряют")
        def _(page):
            page.get_by_role("button", name="Approve").click(timeout=50)

        @then("он одобрен")
        def _(): ...
        """
    )
    pytester.makefile(
        ".feature",
        a="# language: ru\nФункция: А\n  Сценарий: Б\n    Дано страница\n"
        "    Когда заказ одобряют\n    Тогда он одобрен\n",
    )

    result = pytester.runpytest_subprocess("-p", "no:randomly", timeout=60)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*На странице «Order AT-1» нет кнопки «Approve».*"])
    result.stdout.fnmatch_lines(["E*Кнопки: «Close»*"])
    result.stdout.no_fnmatch_line("*Locator.click: Timeout*")
