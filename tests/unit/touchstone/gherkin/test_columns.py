"""A `<word>` that no column of an outline's examples has is refused, wherever it stands; so is a
column that no text has."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_bdd.exceptions import GherkinParseError

from touchstone.gherkin.feature_file import _Reader


def check(
    title: str = "one",
    step: str = "say <metal>",
    below: str = "",
    background: str = "a bench",
    columns: str = "| metal |",
) -> None:
    lines = ["Feature: A", "Background:", f"Given {background}", f"Scenario Outline: {title}"]
    lines += [f"Given {step}", below, "Examples:", columns, "| gold |"]
    if columns.count("|") > 2:
        lines[-1] = "| gold | silver |"
    _Reader(Path("a.feature"), "\n".join([*lines, ""])).parse()


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ({"background": "say <mteal>"}, 3),
        ({"title": "one of <mteal>"}, 4),
        ({"step": "say <mteal>"}, 5),
        ({"below": "| head |\n| <mteal> |"}, 7),
        ({"below": '"""\nA ring\nof <mteal>\n"""'}, 8),
    ],
)
def test_a_misspelt_column_is_named_with_its_line(where: dict[str, str], line: int) -> None:
    with pytest.raises(GherkinParseError, match="did you mean “metal”") as error:
        check(**where)
    assert error.value.line == line


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("| metal | stone |", "no step uses the column “stone”"),
        ("| metal | metal |", "the examples have two columns “metal”"),
    ],
)
def test_a_column_that_changes_nothing_is_named(columns: str, problem: str) -> None:
    with pytest.raises(GherkinParseError, match=problem):
        check(columns=columns)


def test_what_is_used_in_the_background_or_in_a_title_is_used() -> None:
    check(step="a bench", background="say <metal>")
    check(step="a bench", title="a ring of <metal>")


def test_two_comparisons_are_text() -> None:
    check(title="a <metal> ring < 5 g and > 2 g", step="say <metal> weighs < 5 g and > 2 g")
