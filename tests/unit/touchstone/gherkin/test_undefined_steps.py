from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import parsers
from pytest_bdd.gherkin_parser import DataTable, Location
from pytest_bdd.parser import Feature, Step
from pytest_bdd.steps import StepFunctionContext

from touchstone.gherkin.phrases import House
from touchstone.gherkin.snippets import in_house
from touchstone.gherkin.snippets import plain as snippet
from touchstone.gherkin.step_lookup import Definition
from touchstone.gherkin.undefined_steps import explain

ROOT = Path("/project")


def step(name: str, **more: Any) -> Step:
    return Step(name=name, type="when", indent=0, line_number=7, keyword="When", **more)


def feature(language: str = "en") -> Feature:
    return Feature(
        scenarios=OrderedDict(),
        filename="/project/features/a.feature",
        rel_filename="a.feature",
        language=language,
        keyword="Feature",
        name="A",
        tags=set(),
        background=None,
        line_number=1,
        description="",
    )


def definition(phrase: str, kind: Any = "when") -> Definition:
    def do_it() -> None: ...

    return Definition(StepFunctionContext(kind, do_it, parsers.parse(phrase)), (0, 0, 0))


@pytest.mark.parametrize(
    ("name", "said", "arguments"),
    [
        ("Anna waits", '"Anna waits"', ""),
        ("Anna pays 5 euro", 'parsers.parse("Anna pays {number:d} euro")', "number: int"),
        (
            "Anna pays 5.20 or 7 for AT-7K",
            'parsers.parse("Anna pays {number} or {number_2:d} for AT-7K")',
            "number: str, number_2: int",
        ),
        (
            "Анна видит «Закрыт» и «Готов»",
            'parsers.parse("Анна видит «{text}» и «{text_2}»")',
            "text: str, text_2: str",
        ),
        (
            'Anna reads "a {b}" and {c}',
            """parsers.parse('Anna reads "{text}" and {{c}}')""",
            "text: str",
        ),
    ],
)
def test_a_snippet_has_fields_for_what_differs(name: str, said: str, arguments: str) -> None:
    decorator, function, _ = snippet(step(name)).splitlines()[3:]

    assert decorator == f"@when({said})"
    assert function == f"def _({arguments}) -> None:"
    parser = eval(said, {"parsers": parsers})
    assert parsers.get_parser(parser).is_matching(name)


def test_a_snippet_takes_the_table_and_the_text_of_the_step() -> None:
    text = snippet(step("Anna brings", datatable=DataTable(Location(1, 1), []), docstring="x"))

    assert "def _(datatable: list[list[str]], docstring: str) -> None:" in text
    assert text.startswith("from pytest_bdd import when\n")


def test_the_nearest_phrases_are_named() -> None:
    known = [definition("{who} confirms the order"), definition("the sun shines on {what}")]

    text = explain(step("Anna confrims the order"), feature(), known, ROOT)

    assert text.splitlines()[:2] == [
        "No step definition fits: When Anna confrims the order",
        "    features/a.feature:7",
    ]
    assert "@when {who} confirms the order" in text
    assert "sun" not in text


def test_a_phrase_that_is_defined_for_another_kind_of_step_is_named() -> None:
    text = explain(step("Anna waits"), feature(), [definition("{anything}", "given")], ROOT)

    assert "another kind of step:\n\n    @given {anything}" in text
    assert "def _" not in text


@pytest.mark.parametrize(
    ("language", "start"), [("ru", "Ни одно"), ("en", "No step"), ("fr", "No step")]
)
def test_it_is_said_in_the_language_of_the_feature(language: str, start: str) -> None:
    assert explain(step("Anna waits"), feature(language), [], ROOT).startswith(start)


def metal(text: str) -> Metal:
    """What the project's placeholder reads."""
    if text not in ("gold 585", "золото 585"):
        raise ValueError(text)
    return Metal()


class Metal: ...


HOUSE = House({"metal": metal, "count": int}, "shop.steps")
KNOWN = [
    definition("{buyer} the customer waits"),
    definition("покупательница {buyer} ждёт"),
    definition("{buyer} and {metal}"),
    definition("у покупательницы по имени {buyer} есть ключ"),
    definition("у продавца по имени {seller} есть ключ"),
]


@pytest.mark.parametrize(
    ("name", "language", "phrases", "arguments"),
    [
        (
            "Anna the customer buys 2 rings in gold 585 for “love”",
            "en",
            [
                'en="{buyer} the customer buys {count} rings in {metal} for “{text}”"',
                'ru="… {buyer} … {count} … {metal} … {text} …"',
            ],
            "buyer: str, count: int, metal: Metal, text: str",
        ),
        (
            "покупательница Анна дарит «золото 585»",
            "ru",
            [
                'en="… {buyer} … {metal} …"',
                'ru="покупательница {buyer} дарит «{metal}»"',
            ],
            "buyer: str, metal: Metal",
        ),
        (
            "у продавца по имени Борис нет ключа",
            "ru",
            ['en="… {seller} …"', 'ru="у продавца по имени {seller} нет ключа"'],
            "seller: str",
        ),
        ("the sun shines", "en", ['en="the sun shines"', 'ru="…"'], ""),
    ],
)
def test_a_snippet_is_in_the_form_of_the_house(
    name: str, language: str, phrases: list[str], arguments: str
) -> None:
    code = in_house(step(name), language, HOUSE, KNOWN)

    assert [line.strip().rstrip(",") for line in code.splitlines()[4:6]] == phrases
    assert f"def _({arguments}) -> None:" in code
    assert code.startswith("from shop.steps import when\n\n\n@when(\n")


def test_what_only_looks_different_is_named_and_not_defined_anew() -> None:
    known = [definition("Anna waits")]

    text = explain(step("Anna\u00a0waits"), feature(), known, ROOT)

    assert "What cannot be seen in it: a no-break space" in text
    assert "Did you mean\n\n    @when Anna waits" in text
    assert "def _" not in text
