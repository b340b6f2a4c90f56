"""Feature files are collected by themselves, and chosen by folder, file, line and name."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.integration.touchstone.gherkin.project import Project

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
