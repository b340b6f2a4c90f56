"""A scenario knows the language in which it is written."""

from __future__ import annotations

from tests.integration.touchstone.gherkin.project import Project

STEPS = """
from pytest_bdd import then

@then("the language is English")
def _(feature_language):
    assert feature_language == "en"

@then("это русский язык")
def _(feature_language):
    assert feature_language == "ru"
"""


def test_a_scenario_knows_its_language_and_any_other_test_is_english(project: Project) -> None:
    project.write("conftest.py", STEPS)
    project.write("a.feature", "Feature: A\n  Scenario: B\n    Then the language is English\n")
    project.write(
        "a.ru.feature", "# language: ru\nФункция: А\n  Сценарий: Б\n    Тогда это русский язык\n"
    )
    project.write(
        "test_it.py", "def test_it(feature_language):\n    assert feature_language == 'en'\n"
    )

    project.run().assert_outcomes(passed=3)
