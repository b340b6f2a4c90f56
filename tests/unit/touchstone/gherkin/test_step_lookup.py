from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pytest_bdd import parsers
from pytest_bdd.parser import Step
from pytest_bdd.steps import StepFunctionContext

from touchstone.gherkin import step_lookup
from touchstone.gherkin.step_lookup import Definition, Visible, fold, words_of


def step(name: str, kind: str = "when") -> Step:
    return Step(name=name, type=kind, indent=0, line_number=1, keyword=kind.title())


def definition(parser: str | parsers.StepParser, rank: int = 0, kind: Any = "when") -> Definition:
    context = StepFunctionContext(kind, step_func=print, parser=parsers.get_parser(parser))
    return Definition(context, (rank, 0, 0))


@pytest.mark.parametrize(
    ("parser", "words"),
    [
        (
            parsers.parse("{name} the customer pays {price} euro"),
            {"the", "customer", "pays", "euro"},
        ),
        (parsers.parse('the order is "{state}" now'), {"the", "order", "is", "now"}),
        (parsers.parse("Order {number}"), {"order"}),
        (parsers.parse("{one}{two}"), set()),
        (parsers.parse("литьё из {metal:w}а"), {"литьё", "из"}),
        (parsers.parse("{{braces}} around {it}"), set()),
        (parsers.cfparse("rings {ring}"), {"rings"}),
        (parsers.re(r"(?P<name>\w+) pays"), set()),
        (parsers.re(r"they pay (?P<price>\d+) euro"), {"they", "pay"}),
        (parsers.re(r"they pays?"), {"they"}),
        (parsers.re(r"they *pay"), set()),
        (parsers.re(r"they pay|they owe"), set()),
        (parsers.re(r"they pay .*", re.IGNORECASE), set()),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_words_that_a_fitting_step_must_have(parser: parsers.StepParser, words: set[str]) -> None:
    assert words_of(parser) == words


def test_nothing_is_known_of_a_parser_of_another_kind() -> None:
    class Loose(parsers.parse):
        def is_matching(self, name: str) -> bool:
            return True

    assert words_of(Loose("the order is {state}")) == set()


TEXT = st.text(st.sampled_from(' "abcABCİıiIſßКкё—.,{}'), max_size=12)
PATTERN = st.lists(st.one_of(TEXT, st.just("{}")), min_size=1, max_size=6)


@given(pieces=PATTERN, inside=st.lists(TEXT, min_size=6, max_size=6), upper=st.booleans())
def test_no_step_that_fits_is_without_the_words(
    pieces: list[str], inside: list[str], upper: bool
) -> None:
    said = "".join(
        inside[number] if piece == "{}" else piece for number, piece in enumerate(pieces)
    )
    said = said.upper() if upper else said
    try:
        parser = parsers.parse("".join(pieces))
        assume(parser.is_matching(said))
    except (ValueError, KeyError, IndexError, NotImplementedError):  # it is no pattern
        assume(False)

    assert words_of(parser) <= {*fold(said).split(" ")}


def test_folding_misses_nothing_that_ignoring_case_takes_for_equal() -> None:
    letters = [c for c in map(chr, range(sys.maxunicode + 1)) if c.lower() != c or c.upper() != c]
    every = "".join(letters)

    for letter in letters:
        alike = re.findall(re.escape(letter), every, re.IGNORECASE)
        assert {fold(other) for other in alike} == {fold(letter)}, alike


def test_the_nearest_definition_is_meant() -> None:
    far, near = definition("they pay", rank=1), definition(parsers.parse("{who} pay"), rank=2)

    assert Visible([far, near]).meant_by(step("they pay")) is near
    assert Visible([near, far]).meant_by(step("they pay")) is near
    assert Visible([far]).meant_by(step("they pay")) is far
    assert Visible([far]).meant_by(step("they owe")) is None


def test_a_definition_is_for_its_kind_of_step_or_for_all() -> None:
    for_when, for_all = definition("they pay"), definition("they owe", kind=None)
    visible = Visible([for_when, for_all])

    assert visible.meant_by(step("they pay", "then")) is None
    for kind in ("given", "when", "then"):
        assert visible.meant_by(step("they owe", kind)) is for_all


def test_few_definitions_are_tried() -> None:
    tried = []

    class Counting(parsers.parse):
        def is_matching(self, name: str) -> bool:
            tried.append(self.name)
            return super().is_matching(name)

    definitions = [definition(parsers.parse(f"{{who}} meets fact {n}")) for n in range(600)]
    for known in definitions:
        known.context.parser.is_matching = Counting(known.context.parser.name).is_matching  # type: ignore[method-assign]

    assert Visible(definitions).meant_by(step("Anna meets fact 123")) is definitions[123]
    assert tried == ["{who} meets fact 123"]


def test_where_pytest_bdd_is_another_its_own_search_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(request: object, step: object, scenario: object) -> None: ...

    monkeypatch.setattr(step_lookup, "_ORIGINAL", search)
    monkeypatch.setattr(step_lookup._MODULE, "get_step_function", search)
    config: Any = SimpleNamespace(stash=pytest.Stash())

    step_lookup.pytest_configure(config)
    assert step_lookup._MODULE.get_step_function is search
    step_lookup.pytest_unconfigure(config)
    assert step_lookup._MODULE.get_step_function is search


@pytest.mark.parametrize(
    "manager",
    [
        SimpleNamespace(),
        SimpleNamespace(_arg2node2fixturedefs={"a": {}}, _arg2nodeid2fixturedefs={"b": {}}),
    ],
    ids=["kept in another way", "registered by node id"],
)
def test_where_pytest_keeps_fixtures_in_another_way_nothing_is_listed(manager: object) -> None:
    session = SimpleNamespace(stash=pytest.Stash(), _fixturemanager=manager)
    item: Any = SimpleNamespace(session=session, iter_parents=list)

    assert step_lookup.visible_to(item) is None
