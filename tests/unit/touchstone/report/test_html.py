from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from touchstone.gherkin.scenario_record import ScenarioRecord, StepRecord
from touchstone.report.html import Run, duration, render, tally
from touchstone.report.results import Result

BEGAN = datetime(2026, 7, 14, 12, 3, tzinfo=UTC)
FOLDER = Path("/project/.touchstone/report")

FAILED = Result(
    "tests/e2e/test_order.py::test_a",
    "Цена <script>кольца</script>",
    "failed",
    duration=4.2,
    scenario=ScenarioRecord(
        feature="Кольцо на заказ",
        name="Цена",
        file="features/кольцо.feature",
        line=3,
        language="ru",
        steps=[
            StepRecord("Допустим", "магазин открыт", 4, "passed", 0.012),
            StepRecord("Тогда", "цена 120,00 €", 5, "failed", 4.0),
            StepRecord("И", "заказ закрыт", 6),
        ],
    ),
    message='AssertionError: <b>"120" & more</b>',
    traceback="test_order.py:7: AssertionError",
    output={"Captured stdout call": "printed"},
    artefacts=[
        Path("/project/.touchstone/artefacts/цена кольца/anna.png"),
        Path("/project/.touchstone/artefacts/цена кольца/anna.trace.zip"),
    ],
)
PASSED = Result(
    "tests/unit/test_price.py::test_price_grows", "price grows", "passed", duration=0.004
)
SKIPPED = Result("tests/integration/test_mail.py::test_b", "b", "skipped", reason="no Docker")
IMPOSSIBLE = Result(
    "tests/integration/test_mail.py::test_d", "d", "not possible here", reason="no broker"
)
UNENDED = Result("tests/integration/test_mail.py::test_e", "e", message="no end")
ERROR = Result("tests/integration/test_mail.py::test_c", "c", "error", message="no disk")


class Page(HTMLParser):
    """The parts of a page that the tests ask for."""

    _EMPTY = ("meta", "link", "img", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self._EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, attribute: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(attribute))]


def page(*results: Result, **more: object) -> Page:
    html = render(Run(results, BEGAN, duration=61.0, **more), FOLDER)  # type: ignore[arg-type]
    found = Page(html)
    assert found.open == []
    return found


def test_everything_that_is_worth_knowing_of_a_failure_is_there() -> None:
    text = page(FAILED).text

    for part in [
        "1 of 1 failed",
        "Кольцо на заказ",
        "features/кольцо.feature:5",
        "магазин открыт",
        "12 ms",
        "not run",
        "test_order.py:7: AssertionError",
        "printed",
        "show-trace",
    ]:
        assert part in text


def test_what_tests_say_is_text_and_never_markup() -> None:
    found = page(FAILED)

    assert "Цена <script>кольца</script>" in found.text
    assert '<b>"120" & more</b>' in found.text
    assert not [tag for tag, _ in found.tags if tag == "script"]


def test_links_are_relative_and_quoted() -> None:
    links = page(FAILED).all("href")

    assert (
        "../artefacts/%D1%86%D0%B5%D0%BD%D0%B0%20%D0%BA%D0%BE%D0%BB%D1%8C%D1%86%D0%B0/anna.png"
        in links
    )


def test_the_page_asks_nobody_for_anything() -> None:
    found = page(FAILED, PASSED, SKIPPED, ERROR)

    assert not [url for url in found.all("href") + found.all("src") if "//" in url]


def test_a_scenario_says_in_which_language_it_is() -> None:
    assert "ru" in page(FAILED).all("lang")


def test_layers_are_told_apart_and_ordered() -> None:
    text = page(PASSED, SKIPPED, FAILED).text

    heads = [text.rindex(title) for title in ("End to end", "Integration", "Unit")]
    assert heads == sorted(heads)


def test_every_failure_is_linked_from_its_line() -> None:
    found = page(FAILED, PASSED, ERROR)

    targets = {link.removeprefix("#") for link in found.all("href") if link.startswith("#")}
    assert targets == {"failure-1", "failure-2"}
    assert targets <= set(found.all("id"))


def test_the_reason_of_a_skip_and_the_notes_are_shown() -> None:
    text = page(SKIPPED, PASSED, notes=["backing: native"]).text

    assert "skipped: no Docker" in text
    assert "backing: native" in text


def test_what_was_not_possible_has_a_place_of_its_own() -> None:
    found = page(IMPOSSIBLE, SKIPPED, PASSED)

    assert "not possible here: no broker" in found.text
    assert "1 not possible here, 1 skipped, 1 passed" in found.text
    assert [i for i in found.all("id") if i.startswith("show-")] == [
        "show-all",
        "show-impossible",
        "show-skipped",
        "show-passed",
    ]
    assert "not-possible-here" in found.all("class")


def test_only_what_there_is_can_be_chosen() -> None:
    assert [i for i in page(PASSED).all("id") if i.startswith("show-")] == [
        "show-all",
        "show-passed",
    ]


@pytest.mark.parametrize(
    ("run", "verdict", "headline"),
    [
        (Run([PASSED], BEGAN, 1), "passed", "All passed"),
        (Run([PASSED, SKIPPED], BEGAN, 1), "passed", "Nothing failed"),
        (Run([PASSED, FAILED, ERROR], BEGAN, 1), "failed", "2 of 3 failed"),
        (Run([SKIPPED], BEGAN, 1), "nothing", "Nothing was tested"),
        (Run([IMPOSSIBLE], BEGAN, 1), "nothing", "Nothing was tested"),
        (Run([PASSED, IMPOSSIBLE], BEGAN, 1), "passed", "Nothing failed"),
        (Run([], BEGAN, 1), "nothing", "Nothing was tested"),
        (
            Run([PASSED], BEGAN, 1, collected=12, interrupted=True),
            "nothing",
            "Interrupted: 1 of 12 ran",
        ),
        (Run([PASSED], BEGAN, 1, collected=2, missing=1), "nothing", "Interrupted: 1 of 2 ran"),
        (
            Run([PASSED, FAILED, UNENDED], BEGAN, 1, collected=5, missing=2),
            "failed",
            "Interrupted: 2 of 5 ran, 1 of them failed",
        ),
        (Run([PASSED, UNENDED], BEGAN, 1, collected=2), "failed", "Interrupted: 1 of 2 ran"),
    ],
)
def test_the_verdict_never_flatters(run: Run, verdict: str, headline: str) -> None:
    assert (run.verdict, run.headline) == (verdict, headline)


def test_an_empty_run_is_a_page_too() -> None:
    assert "Nothing ran" in page().text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0 ms"),
        (0.0123, "12 ms"),
        (12.34, "12.3 s"),
        (60, "1 min"),
        (119.6, "2 min"),
        (125, "2 min 5 s"),
    ],
)
def test_a_duration_is_told_as_one_would_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_tally_begins_with_the_worst() -> None:
    assert tally([PASSED, ERROR, SKIPPED, ERROR, FAILED]) == (
        "1 failed, 2 errors, 1 skipped, 1 passed"
    )
