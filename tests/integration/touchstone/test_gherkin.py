"""Feature files collected by themselves, seen from outside: whole runs of small projects."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from touchstone.features import read

pytest_plugins = ["pytester"]

STEPS = """
import pytest
from pytest_bdd import given, parsers, then, when

said = []

@pytest.fixture
def basket():
    return []

@given(parsers.parse("a shop of {owner}"))
@given(parsers.parse("магазин, где хозяйка {owner}"))
def shop(owner, basket):
    basket.append(owner)

@when(parsers.parse("{name} buys a {metal} ring"))
@when(parsers.parse("{name} покупает кольцо, металл: {metal}"))
def buys(name, metal, basket):
    basket.append(f"{name}:{metal}")

@when("they write")
@when("они пишут")
def write(docstring, basket):
    basket.append(docstring)

@when("they bring")
@when("они приносят")
def bring(datatable, basket):
    basket.extend("+".join(row) for row in datatable)

@then(parsers.parse('the basket holds "{things}"'))
@then(parsers.parse("в корзине «{things}»"))
def holds(things, basket):
    assert basket == things.split(", ")
"""

ENGLISH = '''
@shop
Feature: Rings of all kinds
  Of any metal.

  Background:
    Given a shop of Vera

  Scenario: Writing and bringing
    When they write
      """
      hello
      """
    And they bring
      | a | b |
      | c | d |
    Then the basket holds "Vera, hello, a+b, c+d"

  Rule: Metals are noble

    Background:
      When Boris buys a tin ring

    @many
    Scenario Outline: Buying a <metal> ring
      When <name> buys a <metal> ring
      Then the basket holds "Vera, Boris:tin, <name>:<metal>"

      Examples:
        | name  | metal  |
        | Anna  | gold   |
        | Clara | silver |

      @dear
      Examples: Dear ones
        | name  | metal    |
        | Anna  | platinum |
'''

RUSSIAN = '''
# language: ru
@shop
Функция: Кольца

  Предыстория:
    Дано магазин, где хозяйка Вера

  Сценарий: Пишут и приносят
    Когда они пишут
      """
      привет
      """
    И они приносят
      | а | б |
      | в | г |
    Тогда в корзине «Вера, привет, а+б, в+г»

  Правило: Металлы благородны

    Предыстория:
      Когда Борис покупает кольцо, металл: олово

    @many
    Структура сценария: Покупка закрытого заказа
      Когда <имя> покупает кольцо, металл: <металл>
      Тогда в корзине «Вера, Борис:олово, <имя>:<металл>»

      Примеры:
        | имя   | металл |
        | Анна  | золото |
        | Клара | платина |

      @dear
      Примеры: Дорогие
        | имя  | металл  |
        | Анна | родий |
'''

INI = """
[pytest]
markers =
    shop: a shop
    many: many
    dear: dear
    ui: pages
    api: API
addopts = --strict-markers
"""

CONFIGURATION = '[tool.touchstone]\nways_in = ["ui", "api"]\n'


class Project:
    """A project in the folder of `pytester`, run with nothing but pytest-bdd and what is tested."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.write("pytest.ini", INI)
        self.write("conftest.py", STEPS)

    def write(self, name: str, text: str) -> None:
        file = self._pytester.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.lstrip("\n"), "utf-8")

    def run(self, *arguments: str) -> pytest.RunResult:
        plugins = ("gherkin", "steps", "missing_steps", "scenarios")
        return self._pytester.runpytest_inprocess(
            *("--disable-plugin-autoload", "-W", "error", "-p", "pytest_bdd.plugin", "-p", "xdist"),
            *(part for name in plugins for part in ("-p", f"touchstone.{name}")),
            *arguments,
        )

    def tests(self, *arguments: str) -> list[str]:
        """The node ids of what would run."""
        lines = self.run("--collect-only", "-q", *arguments).outlines
        return [line for line in lines if "::" in line]

    def scenario(self, *steps: str, tags: str = "", name: str = "it") -> str:
        return "\n".join([f"  {tags}", f"  Scenario: {name}", *(f"    {step}" for step in steps)])


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with a feature in each language."""
    project.write("features/rings.feature", ENGLISH)
    project.write("features/по-русски/кольца.feature", RUSSIAN)
    return project


ENGLISH_TESTS = [
    "features/rings.feature::Writing and bringing",
    "features/rings.feature::Buying a <metal> ring[Anna, gold]",
    "features/rings.feature::Buying a <metal> ring[Clara, silver]",
    "features/rings.feature::Buying a <metal> ring[Anna, platinum]",
]
RUSSIAN_TESTS = [
    "features/по-русски/кольца.feature::Пишут и приносят",
    "features/по-русски/кольца.feature::Покупка закрытого заказа[Анна, золото]",
    "features/по-русски/кольца.feature::Покупка закрытого заказа[Клара, платина]",
    "features/по-русски/кольца.feature::Покупка закрытого заказа[Анна, родий]",
]


def test_all_of_gherkin_runs_in_both_languages(shop: Project) -> None:
    result = shop.run("-v")

    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines_random(
        ["*кольца.feature::Покупка закрытого заказа?Анна, золото? PASSED*"]
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ENGLISH_TESTS + RUSSIAN_TESTS),
        (["features/по-русски"], RUSSIAN_TESTS),
        (["features/rings.feature"], ENGLISH_TESTS),
        ([ENGLISH_TESTS[0]], ENGLISH_TESTS[:1]),
        (["features/rings.feature::Buying a <metal> ring"], ENGLISH_TESTS[1:]),
        ([RUSSIAN_TESTS[2]], RUSSIAN_TESTS[2:3]),
        # the title, a step, the head of the examples: all rows; a row: itself
        (["features/rings.feature:8"], ENGLISH_TESTS[:1]),
        (["features/rings.feature:12"], ENGLISH_TESTS[:1]),
        (["features/rings.feature:23"], ENGLISH_TESTS[1:]),
        (["features/rings.feature:26"], ENGLISH_TESTS[1:]),
        (["features/rings.feature:29"], ENGLISH_TESTS[1:]),
        (["features/rings.feature:30"], ENGLISH_TESTS[1:2]),
        (["features/rings.feature:36"], ENGLISH_TESTS[3:]),
        (["features/rings.feature:31:36"], ENGLISH_TESTS[2:]),
        (["features/rings.feature:8", "features/rings.feature:31"], ENGLISH_TESTS[0:3:2]),
        # the heads of the file and of a rule
        (["features/rings.feature:2"], ENGLISH_TESTS),
        (["features/rings.feature:20"], ENGLISH_TESTS[1:]),
        # asked for twice
        (["features/rings.feature:8", "features"], ENGLISH_TESTS + RUSSIAN_TESTS),
        (["features/rings.feature:8", "features/rings.feature"], ENGLISH_TESTS),
        (["-k", "закрытого and Клара"], RUSSIAN_TESTS[2:3]),
        (["-k", "закрытого заказа"], RUSSIAN_TESTS[1:]),
        (["-k", "'Writing and bringing'"], ENGLISH_TESTS[:1]),
        (["-k", "buying a silver ring"], ENGLISH_TESTS[2:3]),
        (["-k", "rings of all kinds"], ENGLISH_TESTS),
        (["-k", "metals are noble"], ENGLISH_TESTS[1:]),
        (["-m", "dear"], [ENGLISH_TESTS[3], RUSSIAN_TESTS[3]]),
        (["-m", "many and not dear"], ENGLISH_TESTS[1:3] + RUSSIAN_TESTS[1:3]),
        (["-m", "not shop"], []),
    ],
    ids=lambda value: " ".join(value) if value and "::" not in value[0] else "",
)
def test_what_is_asked_for_is_what_runs(
    shop: Project, arguments: list[str], expected: list[str]
) -> None:
    assert shop.tests(*arguments) == expected


def test_a_line_that_is_not_there_is_said(shop: Project) -> None:
    result = shop.run("features/rings.feature:99")

    result.stdout.fnmatch_lines(["features/rings.feature:99: it has only 36 lines"])
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_workers_agree_on_the_tests(shop: Project) -> None:
    shop.run("-n2", "features/rings.feature:20", "features/по-русски").assert_outcomes(passed=7)


def test_what_failed_last_runs_again(project: Project) -> None:
    project.write(
        "a.feature",
        """
        Feature: A
          Scenario Outline: Покупка
            When Анна покупает кольцо, металл: <металл>
            Then the basket holds "Анна:золото"

            Examples:
              | металл  |
              | золото  |
              | серебро |
        """,
    )
    project.run().assert_outcomes(passed=1, failed=1)

    assert project.tests("--last-failed") == ["a.feature::Покупка[серебро]"]


def test_scenarios_have_their_names_in_junit_xml(shop: Project, pytester: pytest.Pytester) -> None:
    shop.run("--junit-xml=report.xml")

    cases = ElementTree.parse(pytester.path / "report.xml").iter("testcase")
    names = {(case.get("classname"), case.get("name")) for case in cases}
    assert ("features.rings.feature", "Buying a <metal> ring[Clara, silver]") in names
    assert ("features.по-русски.кольца.feature", "Пишут и приносят") in names


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: the file holds no feature: it should start with “Feature: …”"),
        ("Feature: A\n", "1: “A” has no scenario"),
        ("Feature: A\n  Scenario: B\n", "2: “B” has no steps"),
        (
            "Feature: A\n  Scenario: B\n    Whn pigs fly\n",
            "3: “B” has no steps; found “Whn pigs fly” – did you mean “When”?",
        ),
        (
            "# language: ru\nФункция: А\n  Сценарий: Б\n    Дано в\n    Тода г\n",
            "5: expected * a step, * the end of the file, found “Тода г” – did you mean “Тогда”?",
        ),
        (
            "Feature: A\n  Scenario: B\n    Given c\n  Scenaro: D\n    Given e\n",
            "4: expected *, found “Scenaro: D” – did you mean “Scenario:”?",
        ),
        (
            "Feature: A\n  Scenario: B\n    Given c\n      | d |\n      | e | f |\n",
            "5: this row has more or fewer cells than the first row of its table",
        ),
        (
            'Feature: A\n  Scenario: B\n    Given c\n      """\n      d\n',
            '5: the file ends too early: expected a doc string (""")',
        ),
        ("# language: xx\nFeature: A\n", "1: language not supported: xx"),
        ("Feature: A\n  Scenario: B\n    And c\n", "3: first step in a scenario * but got And."),
        (
            "Feature: A\n  Scenario: B\n    Given c\n  Scenario: B\n    Given d\n",
            "4: “B” is already the name of the scenario on line 2",
        ),
        (
            "Feature: A\n  Scenario Outline: B\n    Given <c>\n    Examples:\n      | c |\n",
            "2: “B” has examples without a row, so it would never run",
        ),
        (
            "Feature: A\n\n  @unheard-of\n  Scenario: B\n    Given c\n",
            "3: 'unheard-of' not found in `markers` configuration option",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(
    project: Project, text: str, problem: str
) -> None:
    project.write("wrong.feature", text)

    result = project.run()

    result.assert_outcomes(errors=1)
    pattern = re.escape(f"wrong.feature:{problem}").replace(r"\*", ".*")
    assert [line for line in result.outlines if re.fullmatch(pattern, line)], result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert ".py:" not in result.stdout.str()


def test_a_file_as_an_editor_on_windows_saves_it(
    project: Project, pytester: pytest.Pytester
) -> None:
    text = ENGLISH.lstrip().replace("\n", "\r\n")
    pytester.path.joinpath("rings.feature").write_text(text, "utf-8-sig", newline="")

    project.run().assert_outcomes(passed=4)


def test_a_file_that_has_changed_is_read_again(project: Project) -> None:
    project.write("a.feature", "Feature: A\n  Scenario: B\n    Given c\n")
    assert project.tests() == ["a.feature::B"]
    assert project.tests() == ["a.feature::B"]

    project.write("a.feature", "Feature: A\n  Scenario: D\n    Given c\n")

    assert project.tests() == ["a.feature::D"]


def test_what_is_left_in_the_cache_cannot_do_harm(shop: Project, pytester: pytest.Pytester) -> None:
    shop.run()
    kept = [*pytester.path.glob(".pytest_cache/d/touchstone-features/*")]
    assert len(kept) == 2
    for file in kept:
        file.write_bytes(file.read_bytes()[:-9])

    shop.run().assert_outcomes(passed=8)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    file, cache = tmp_path / "a.feature", tmp_path / "cache"
    cache.mkdir()
    file.write_text("Feature: A\n  Scenario: B\n    Given c\n", "utf-8")
    assert read(file, "a.feature", cache).feature.name == "A"

    [kept] = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:64] + pickle.dumps("what was kept"))

    assert read(file, "a.feature", cache) == "what was kept"


def test_rows_that_begin_alike_are_told_apart(project: Project) -> None:
    project.write(
        "a.feature",
        """
        Feature: A
          Scenario Outline: Long [and] a::b
            Given <first> <second> <third>

            Examples:
              | first                  | second                 | third |
              | the first of the words | the second of the ones | x     |
              | the first of the words | the second of the ones | y     |
              | another                | word                   | z     |
        """,
    )

    alike = "the first of the words, the second of the ones"
    tests = project.tests()
    assert tests == [
        f"a.feature::Long (and) a:b[{alike}, x]",
        f"a.feature::Long (and) a:b[{alike}, y]",
        "a.feature::Long (and) a:b[another, word, z]",
    ]
    assert project.tests(tests[1]) == [tests[1]]


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
from touchstone import gherkin

before = gherkin._decorator

def pytest_collection():
    gherkin._decorator = None

def pytest_unconfigure():
    gherkin._decorator = before
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


def test_a_missing_step_is_answered_with_what_to_write(project: Project) -> None:
    steps = project.scenario('When Anna by a gold ring with "love" for 120 euro')
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
