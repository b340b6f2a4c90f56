"""A feature file is read once, and what is wrong with it is said in words."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from tests.integration.touchstone.gherkin.project import ENGLISH, Project
from touchstone.gherkin.feature_file import read


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: the file holds no feature: it should start with “Feature: …”"),
        ("Feature: A\n", "1: “A” has no scenario"),
        ("Feature: A\n  Scenario: B\n", "2: “B” has no steps"),
        (
            "Feature: A\n  Scenario: B\n    Whn pigs fly\n",
            "3: “Whn pigs fly” would be read as a description, * – did you mean “When”?",
        ),
        (
            "# language: ru\nФункция: А\n  Сценарий: Б\n    Дано в\n    Тода г\n",
            "5: здесь может быть * шаг, * или конец файла, а написано «Тода г» — возможно, "
            "имелось в виду «Тогда»?",
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
        ("Feature: A\n  Scenario: B\n    And c\n", "3: the first step starts with “And”, *"),
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
            "3: the tag @unheard-of is not among the `markers` of pytest's configuration; "
            "new ones are registered there",
        ),
        ("@shp\nFeature: A\n  Scenario: B\n    Given c\n", "3: * – did you mean “@shop”?"),
        (
            "Функция: А\n  Сценарий: Б\n    Дано в\n",
            "1: expected *, found “Функция: А”: “Функция” is a keyword of another language – is *",
        ),
        (
            "Feature: A\n  Scenario Outline: B\n    Given <metal>\n"
            "    Examples:\n      | mettal |\n      | gold |\n",
            "3: “<metal>” is no column of the examples, which have “mettal” "
            "– did you mean “mettal”?",
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

    what: object = read(file, "a.feature", cache)
    assert what == "what was kept"


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
