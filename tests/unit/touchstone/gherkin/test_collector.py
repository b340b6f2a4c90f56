from __future__ import annotations

from collections import OrderedDict

import pytest
from pytest_bdd.parser import Examples, Feature, ScenarioTemplate

from touchstone.gherkin.collector import _phrase, _rows
from touchstone.gherkin.feature_file import Placed, Source

FEATURE = Feature(
    OrderedDict(), "/project/a.feature", "a.feature", "en", "Feature", "A", set(), None, 1, ""
)


def placed(line: int, rows: tuple[int, ...] = (), name: str = "it") -> Placed:
    template = ScenarioTemplate(FEATURE, "Scenario", name, line, bool(rows), "")
    return Placed(template, line - 1, rows)


@pytest.mark.parametrize(
    ("keyword", "phrase"),
    [
        ("закрытого заказа", "закрытого заказа"),
        (" Closed  order ", "closed  order"),
        ("'Anna and Boris'", "anna and boris"),
        ('"order"', "order"),
        ("order", None),
        ("", None),
        ("closed and order", None),
        ("not order", None),
        ("(closed order)", None),
    ],
)
def test_a_phrase_is_what_pytest_could_not_read(keyword: str, phrase: str | None) -> None:
    assert _phrase(keyword) == phrase


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([["gold", "5"], ["silver", "7"]], ["gold, 5", "silver, 7"]),
        (
            [["band_with_prong.stl", "silver 925", "177.936 mm³", "€ 77.93"]],
            ["band_with_prong.stl, silver 925"],
        ),
        ([["x" * 50, "y"]], ["x" * 50]),
        ([["x" * 38, "y", "z"], ["x" * 38, "y", "w"]], [f"{'x' * 38}, y, {it}" for it in "zw"]),
        ([["two\nlines", " ", ""]], ["two lines"]),
        ([["", ""]], ["line 10"]),
    ],
)
def test_a_row_goes_by_its_first_values(rows: list[list[str]], names: list[str]) -> None:
    scenario = placed(3, tuple(range(10, 10 + len(rows))))
    columns = [str(number) for number in range(len(rows[0]))]
    scenario.template.examples.append(Examples(example_params=columns, examples=[*rows]))

    assert [row.name for row, _ in _rows(scenario) if row] == names


@pytest.mark.parametrize(
    ("line", "tests"),
    [
        (1, {5, 12, 13, 20}),
        (3, {5, 12, 13, 20}),
        (4, {5}),
        (6, {5}),
        (8, {12, 13}),
        (10, {12, 13}),
        (13, {13}),
        (15, {12, 13}),
        (17, {20}),
        (20, {20}),
        (99, {20}),
    ],
)
def test_a_line_belongs_to_the_tests_around_it(line: int, tests: set[int]) -> None:
    one, outline, in_rule = placed(5), placed(9, (12, 13)), placed(20)
    sections = [(4, [one]), (8, [outline]), (17, [in_rule]), (19, [in_rule])]

    assert Source(FEATURE, [one, outline, in_rule], sections, 30).at(line) == tests


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("From <a> to <b>", "From <a> to <b>"),
        ("Two  spaces", "Two spaces"),
        ("Ring::cast [gold]", "Ring:cast (gold)"),
        ("", "line 5"),
    ],
)
def test_a_title_can_be_a_part_of_a_node_id(name: str, title: str) -> None:
    assert placed(5, name=name).title == title
