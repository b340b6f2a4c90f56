"""What a person reads when a scenario fails."""

from __future__ import annotations

from tests.integration.touchstone.gherkin.project import Project


def test_a_missing_step_is_answered_with_what_to_write(project: Project) -> None:
    step = 'When Anna by a gold ring with "love" for 120 euro'
    steps = project.scenario(step, 'Then the basket holds "Anna"')
    project.write("a.feature", f"Feature: A\n{steps}\n")

    result = project.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            'No step definition fits: When Anna by a gold ring with "love" for 120 euro',
            "    a.feature:4",
            "To define it, write among the step definitions or in a conftest.py:",
            "    from pytest_bdd import parsers, when",
            """    @when(parsers.parse('Anna by a gold ring with "{text}" for {number:d} euro'))""",
            "    def _(text: str, number: int) -> None:",
            "        raise NotImplementedError",
        ]
    )
    assert "scenario.py" not in result.stdout.str()


def test_a_missing_step_is_told_what_it_may_have_meant_in_its_language(project: Project) -> None:
    project.write(
        "a.feature",
        """
# language: ru
Функция: А
  Сценарий: Б
    Когда Анна покупет кольцо, металл: золото
    Тогда в корзине «Анна»
""",
    )

    result = project.run()

    result.stdout.fnmatch_lines(
        [
            "Ни одно определение не подходит к шагу: Когда Анна покупет кольцо, металл: золото",
            "    a.feature:4",
            "Возможно, имелось в виду",
            "    @when {name} покупает кольцо, металл: {metal}  (conftest.py:*)",
        ]
    )
    assert "buys" not in result.stdout.str()


def test_a_failure_shows_the_step_and_not_what_calls_it(project: Project) -> None:
    steps = project.scenario("Given a shop of Vera", 'Then the basket holds "Anna"')
    project.write("a.feature", f"Feature: A\n{steps}\n")

    result = project.run()

    result.stdout.fnmatch_lines(["*_ it _*", ">       assert basket == things.split*"])
    assert "call_fixture_func" not in result.stdout.str()
    assert "pytest_bdd" not in result.stdout.str()


def test_a_failure_within_a_library_shows_where_the_project_called_it(project: Project) -> None:
    project.write(
        "features/conftest.py",
        """
import httpx
from pytest_bdd import given

@given("they ask")
def asks():
    httpx.URL(17)
""",
    )
    steps = project.scenario("Given they ask")
    project.write("features/a.feature", f"Feature: A\n{steps}\n")

    result = project.run()

    result.stdout.fnmatch_lines(["*def asks():*", ">*httpx.URL(17)", "E*TypeError*"])
    result.stdout.no_fnmatch_line("*site-packages*")


def test_a_value_that_is_not_understood_is_said_in_its_own_words(project: Project) -> None:
    project.write(
        "conftest.py",
        """
from touchstone.gherkin.phrases import phrases

given, when, then = phrases({"age": int})

@given(en="{name} is {age} years old", ru="{name} в возрасте {age}")
def is_old(name, age):
    assert (name, age) == ("Anna", 20)
""",
    )
    project.write(
        "a.feature",
        "Feature: A\n  Scenario: B\n    Given Anna is 20 years old\n"
        "  Scenario: C\n    Given Anna is young years old\n",
    )

    result = project.run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["invalid literal for int() with base 10: 'young'"])
    result.stdout.no_fnmatch_line("*.py:*")
