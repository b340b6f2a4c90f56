"""The step definition that is found is the one that pytest-bdd itself would have found."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

PLUGIN = """
from pytest_bdd import given, parsers, step, then, when

@given("a shop")
def _(): ...
@given(parsers.parse("a {metal} ring"))
def _(metal): ...
@when(parsers.parse("{name} pays {price:d} euro"))
def _(name, price): ...
@step("anything")
def _(): ...
"""

ROOT = """
import parse
import re
from pytest_bdd import given, parsers, step, then, when

@parse.with_pattern(r"\\d+")
def number(text): return int(text)

class Odd(parsers.StepParser):
    def is_matching(self, name): return len(name) % 2 == 1 and name.startswith("odd")
    def parse_arguments(self, name): return {}

@given(parsers.parse("a {metal} ring"))
def _(metal): ...
@given(parsers.parse("a gold {thing}"))
def _(thing): ...
@given("a gold ring")
def _(): ...
@given("a gold ring")
def _(): ...
@when(parsers.parse("Anna pays {price} euro"))
def _(price): ...
@when(parsers.re(r"(?P<name>\\w+) pays (?P<price>\\d+) euros?"))
def _(name, price): ...
@when(parsers.re(r"they pay|they owe"))
def _(): ...
@when(parsers.re(r"THEY.pay", re.IGNORECASE))
def _(): ...
@then(parsers.cfparse("rings {numbers:Number+}", extra_types={"Number": number}))
def _(numbers): ...
@then(parsers.parse("the Price is {price}", case_sensitive=True))
def _(price): ...
@then(parsers.parse("цена {metal} — {price}"))
@then(parsers.parse("the price of {metal} is {price}"))
def _(metal, price): ...
@step(Odd("odd"))
def _(): ...
@step(parsers.parse("{{braces}} {what}"))
def _(what): ...
"""

FOLDER = """
from pytest_bdd import given, parsers, then, when

@given("a shop")
def _(): ...
@when(parsers.parse("{name} pays {price:d} euro"))
def _(name, price): ...
@then(parsers.parse("{anything}"))
def _(anything): ...
"""

COMPARISON = '''
import pytest
from pytest_bdd import given, parsers, then, when
from pytest_bdd.parser import Step
from touchstone.gherkin import step_lookup

@given(parsers.parse("a {{metal}} ring"))
def _(metal): ...

NAMES = """
a shop
A shop
a gold ring
a Gold Ring
a silver ring
a gold chain
anything
Anna pays 5 euro
Anna pays 5 euros
Anna pays much euro
Boris pays 7 euro
they pay
they owe
They pay
rings 1, 2, 3
rings none
the Price is 5
the price is 5
the price of gold is 5
цена золота — 5
Цена золота — 5
odd
odd one
{braces} around
nothing of this kind
"""

@pytest.mark.parametrize("kind", ["given", "when", "then"])
@pytest.mark.parametrize("name", NAMES.strip().splitlines())
def {test}(request, kind, name):
    step = Step(name=name, type=kind, indent=0, line_number=1, keyword=kind)
    ours = step_lookup.visible_to(request.node).meant_by(step)
    theirs = step_lookup._ORIGINAL(request, step)
    assert (ours.context if ours else None) is theirs
    if ours:
        print("FOUND", ours.context.step_func.__module__)
'''


def test_the_same_definition_is_found(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(shop_steps=PLUGIN)
    pytester.makeconftest(ROOT)
    in_folder = pytester.mkdir("folder")
    in_folder.joinpath("conftest.py").write_text(FOLDER, "utf-8")
    for folder, test in ((pytester.path, "test_outside"), (in_folder, "test_inside")):
        text = COMPARISON.replace("{test}", test).replace("{{", "{").replace("}}", "}")
        folder.joinpath(f"{test}.py").write_text(text, "utf-8")

    pytester.syspathinsert()
    result = pytester.runpytest_inprocess(
        *(
            "--disable-plugin-autoload",
            "-p",
            "pytest_bdd.plugin",
            "-p",
            "touchstone.gherkin.step_lookup",
        ),
        *("-p", "shop_steps", "-s", "-q"),
    )

    result.assert_outcomes(passed=2 * 3 * 25)
    found = [line.rpartition(" ")[2] for line in result.outlines if "FOUND" in line]
    # The comparison is not vacuous: each module has the last word on some of the steps.
    count = {module: found.count(module) for module in set(found)}
    assert count == {"conftest": 62, "shop_steps": 6, "test_inside": 3, "test_outside": 3}


def test_a_step_that_is_defined_while_the_tests_run_is_found(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from types import ModuleType
        from pytest_bdd.parser import Step
        from touchstone.gherkin import step_lookup

        DEFINITION = "import pytest_bdd\\n@pytest_bdd.given('{}')\\ndef _(): ..."

        def test_it(request):
            assert step_lookup._MODULE.get_step_function is step_lookup._search
            for name in ("one", "two"):
                step = Step(name=name, type="given", indent=0, line_number=1, keyword="Given")
                assert step_lookup._search(request, step) is None
                module = ModuleType(name)
                exec(DEFINITION.format(name), vars(module))
                request._fixturemanager.parsefactories(holder=module, node=request.node)
                first = step_lookup._search(request, step)
                assert first is not None
                module = ModuleType(name)
                exec(DEFINITION.format(name), vars(module))
                request._fixturemanager.parsefactories(holder=module, node=request.node)
                second = step_lookup.visible_to(request.node).meant_by(step).context
                assert second is not first
        """
    )

    result = pytester.runpytest_inprocess(
        *(
            "--disable-plugin-autoload",
            "-p",
            "pytest_bdd.plugin",
            "-p",
            "touchstone.gherkin.step_lookup",
        )
    )

    result.assert_outcomes(passed=1)
