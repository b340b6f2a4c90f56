"""What a project and its plugins do to any test, they may do to a scenario."""

from __future__ import annotations

from tests.integration.touchstone.gherkin.project import Project

FIXTURES = """
import pytest
from pytest_bdd import given, then

@pytest.fixture(autouse=True, params=["день", "ночь"])
def time_of_day(request):
    return request.param

@pytest.fixture(scope="module")
def file(request):
    return request.module.__name__

@given("a fixture of the folder")
def _(file, request):
    assert file == "features/a.feature"
    assert "time_of_day" in request.fixturenames

def pytest_bdd_apply_tag(tag, function):
    if tag == "skipped":
        pytest.mark.skip(reason="not now")(function)
        return True
"""


def test_fixtures_of_a_conftest_work_as_in_any_test(project: Project) -> None:
    project.write("features/conftest.py", FIXTURES)
    steps = project.scenario("Given a fixture of the folder", name="one")
    skipped = project.scenario("Given a thing", tags="@skipped", name="two")
    project.write("features/a.feature", f"Feature: A\n{steps}\n{skipped}\n")

    result = project.run("-rs")

    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["*not now*"])


def test_a_project_may_make_tests_of_its_own_kind(project: Project) -> None:
    project.write(
        "features/conftest.py",
        """
import pytest

@pytest.fixture(autouse=True)
def number():
    return 0

def pytest_generate_tests(metafunc):
    if metafunc.definition.get_closest_marker("many"):
        metafunc.parametrize("number", [1, 2])
""",
    )
    one = project.scenario("Given a shop of Vera", name="one")
    many = project.scenario("Given a shop of Vera", tags="@many", name="many")
    project.write("features/a.feature", f"Feature: A\n{one}\n{many}\n")

    assert project.tests() == [
        "features/a.feature::one",
        "features/a.feature::many[1]",
        "features/a.feature::many[2]",
    ]


def test_what_a_plugin_does_to_one_test_is_not_done_to_others(project: Project) -> None:
    project.write(
        "features/conftest.py",
        """
import pytest

@pytest.fixture
def trouble():
    raise RuntimeError

def pytest_itemcollected(item):
    if item.name == "one":
        item.fixturenames.append("trouble")
""",
    )
    one = project.scenario("Given a shop of Vera", name="one")
    two = project.scenario("Given a shop of Vera", name="two")
    project.write("features/a.feature", f"Feature: A\n{one}\n{two}\n")

    project.run().assert_outcomes(passed=1, errors=1)


def test_without_a_cache_all_is_as_with_one(shop: Project) -> None:
    shop.run("-p", "no:cacheprovider").assert_outcomes(passed=8)


def test_the_public_way_to_bind_a_scenario_is_taken_where_the_short_one_is_missing(
    shop: Project,
) -> None:
    shop.write(
        "features/conftest.py",
        """
from touchstone.gherkin import collector

before = collector._decorator

def pytest_collection():
    collector._decorator = None

def pytest_unconfigure():
    collector._decorator = before
""",
    )

    shop.run("features").assert_outcomes(passed=8)


def test_a_scenario_that_a_module_binds_is_not_run_twice(project: Project) -> None:
    one = project.scenario("Given a shop of Vera", name="one")
    two = project.scenario("Given a shop of Vera", name="two")
    project.write("a.feature", f"Feature: A\n{one}\n{two}\n")
    project.write(
        "test_a.py",
        "from pytest_bdd import scenario\n\n@scenario('a.feature', 'two')\ndef test_two(): ...\n",
    )

    assert project.tests() == ["a.feature::one", "test_a.py::test_two"]
    assert project.tests("a.feature") == ["a.feature::one", "a.feature::two"]
