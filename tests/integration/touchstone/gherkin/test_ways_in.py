"""A scenario with several ways in is a test for each."""

from __future__ import annotations

import pytest

from tests.integration.touchstone.gherkin.project import CONFIGURATION, Project

WAYS = """
from pytest_bdd import then, parsers

@then(parsers.parse('the way in is "{way}"'))
def _(way, way_in, request):
    assert way_in in way.split(" or ")
    assert [m for m in ("ui", "api") if request.node.get_closest_marker(m)] == [way_in]

@then("there is no way in")
def _(way_in):
    assert way_in == ""
"""


OUTLINE = """
@ui @api
Feature: B

  Scenario Outline: Buying
    Given a shop of <metal>

    Examples:
      | metal |
      | gold  |

  Scenario Outline: Buying a <metal> ring
    Given a shop of <metal>

    Examples:
      | metal |
      | tin   |
"""


@pytest.fixture
def ways(project: Project) -> Project:
    project.write("pyproject.toml", CONFIGURATION)
    project.write("features/conftest.py", WAYS)
    project.write(
        "features/a.feature",
        """
@ui
Feature: A
  @api
  Scenario: Both
    Then the way in is "ui or api"

  Scenario: One
    Then the way in is "ui"

  @api
  Scenario Outline: Rows
    Then the way in is "<way>"

    Examples:
      | way       |
      | ui or api |

    @api @dear
    Examples: By the API only
      | way |
      | api |
""",
    )
    project.write("features/b.feature", "Feature: B\n  Scenario: C\n    Then there is no way in\n")
    return project


def test_a_scenario_runs_once_by_each_way_in(ways: Project) -> None:
    every = [
        "features/a.feature::Both[ui]",
        "features/a.feature::Both[api]",
        "features/a.feature::One",
        "features/a.feature::Rows[ui or api-ui]",
        "features/a.feature::Rows[ui or api-api]",
        "features/a.feature::Rows[api-api]",
        "features/b.feature::C",
    ]
    assert ways.tests() == every
    assert ways.tests("-m", "api") == [every[1], every[4], every[5]]
    assert ways.tests("-m", "ui") == [every[0], every[2], every[3]]
    assert ways.tests("-m", "dear") == [every[5]]
    assert ways.tests("features/a.feature:4") == every[:2]
    assert ways.tests("features/a.feature:16") == every[3:5]
    assert ways.tests(every[1]) == [every[1]]
    ways.run().assert_outcomes(passed=7)


def test_without_ways_in_tags_are_only_markers(project: Project) -> None:
    steps = project.scenario("Given a shop of Vera", tags="@ui @api")
    project.write("a.feature", f"Feature: A\n{steps}\n")

    assert project.tests() == ["a.feature::it"]


def test_a_test_goes_by_its_scenario_its_row_and_its_way_in(ways: Project) -> None:
    ways.write("features/b.feature", OUTLINE)
    ways.write(
        "features/conftest.py",
        "def pytest_collection_finish(session):\n"
        "    for item in session.items:\n        print('goes by', item.location[2])\n",
    )

    lines = ways.run("--collect-only", "-s", "features/b.feature").outlines

    assert [line for line in lines if line.startswith("goes by")] == [
        "goes by Buying (gold, ui)",
        "goes by Buying (gold, api)",
        "goes by Buying a tin ring (ui)",
        "goes by Buying a tin ring (api)",
    ]
