"""What somebody wrote is run, or refused: nothing of it is dropped."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest

from tests.integration.touchstone.gherkin.project import Project

MORE = """
import asyncio

@given("a tray")
@given("поднос")
def tray(): ...

@given("what is {this}")
def literal(): ...

@given(parsers.re("(?P<anything>.*) whatever"))
@given(parsers.parse("{anything}"))
def whatever(anything): ...

@then("a coroutine looks")
async def coroutine():
    raise AssertionError("nobody has looked")

@then("an async generator looks")
async def generator():
    raise AssertionError("nobody has looked")
    yield

@then("a coroutine comes back")
def comes_back():
    return coroutine()

@then("a generator comes back")
def lazy():
    return (1 / 0 for _ in range(1))

@then("a generator looks")
def looks():
    yield

@then("all is well")
@then("ёлка стоит")
def well(): ...
"""


@pytest.fixture
def bench(project: Project) -> Project:
    file = project._pytester.path / "conftest.py"
    file.write_text(file.read_text("utf-8") + MORE, "utf-8")
    return project


def feature(*lines: str, title: str = "Scenario: It stands") -> str:
    return "\n".join(["Feature: A", f"  {title}", *(f"    {line}" for line in lines), ""])


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            ["a tray", "When they write", '  """', "  x", '  """', "Then all is well"],
            "*:3: “a tray” is a step without its keyword*",
        ),
        (
            ["Whenever a tray", "Given a tray"],
            "*:3: “Whenever a tray” is a step without its keyword*",
        ),
        (["Given a tray", "  | a |"], "there is a table under this step, * takes none: a tray"),
        (
            ["Given a tray", '  """', "  text", '  """'],
            "there is a doc string under this step, * takes none: a tray",
        ),
        (["Then a coroutine looks"], "the step is defined as a coroutine, * would not run:*"),
        (["Then an async generator looks"], "the step is defined as a coroutine,*"),
        (["Then a coroutine comes back"], "the step has returned coroutine, which nobody runs:*"),
        (["Then a generator comes back"], "the step has returned generator, which nobody runs:*"),
        (["Given a tray", "When Anna buys a tin ring"], "*:2: “It stands” does something and *"),
    ],
)
def test_what_would_be_dropped_is_refused(bench: Project, lines: list[str], problem: str) -> None:
    bench.write("a.feature", feature(*lines))

    result = bench.run()

    assert result.ret in (1, 2)
    assert "passed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines([problem])


@pytest.mark.parametrize(
    ("title", "problem"),
    [
        ("Scenario:", "*:2: this scenario has no name: say after the colon what it shows"),
        ("Scenaro: It stands", "*“Scenaro: It stands”*"),
        ("Backgroud:", "*did you mean “Background:”?"),
    ],
)
def test_a_title_that_is_none_is_refused(bench: Project, title: str, problem: str) -> None:
    text = feature("Given a tray", "Then all is well", title=title)
    bench.write("a.feature", text + "  Scenario: Another\n    Given a tray\n")

    result = bench.run()

    assert result.ret == 2
    result.stdout.fnmatch_lines([problem])


def test_prose_beside_definitions_that_fit_anything_is_prose(bench: Project) -> None:
    bench.write(
        "a.feature",
        "Feature: A\n  Somebody wants a tray, whatever it costs.\n\n"
        + feature("Trays are rare.", "Given a tray", "Then all is well").partition("\n")[2],
    )

    bench.run().assert_outcomes(passed=1)


def test_a_generator_is_a_step_with_an_end(bench: Project) -> None:
    bench.write("a.feature", feature("Given a tray", "Then a generator looks"))

    bench.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_text_is_the_same_in_each_of_its_forms(
    bench: Project, form: Literal["NFC", "NFD"]
) -> None:
    text = "# language: ru\nФункция: А\n  Сценарий: Б\n    Дано поднос\n    Тогда ёлка стоит\n"
    bench.write("a.feature", unicodedata.normalize(form, text))

    bench.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_star_stands_for_any_keyword(bench: Project, language: str) -> None:
    given, then = ("a tray", "all is well") if language == "en" else ("поднос", "ёлка стоит")
    titles = ("Feature", "Background", "Scenario")
    if language == "ru":
        titles = ("Функция", "Предыстория", "Сценарий")
    bench.write(
        "a.feature",
        f"# language: {language}\n{titles[0]}: A\n  {titles[1]}:\n    * {given}\n"
        f"  {titles[2]}: B\n    * {then}\n    * {given}\n",
    )

    bench.run().assert_outcomes(passed=1)


def test_messages_are_in_the_language_of_the_feature(bench: Project) -> None:
    bench.write(
        "a.feature",
        "# language: ru\nФункция: А\n  Сценарий: Б\n    Дано поднос\n      | а |\n",
    )

    result = bench.run()

    result.stdout.fnmatch_lines(["под этим шагом есть таблица, а шаг её не принимает: поднос"])
