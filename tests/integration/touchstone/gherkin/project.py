"""A small project with features in both languages."""

from __future__ import annotations

import pytest

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
        plugins = ("step_calls", "step_lookup", "collector", "undefined_steps", "scenario_record")
        return self._pytester.runpytest_inprocess(
            *("--disable-plugin-autoload", "-W", "error", "-p", "pytest_bdd.plugin", "-p", "xdist"),
            *(part for name in plugins for part in ("-p", f"touchstone.gherkin.{name}")),
            *arguments,
        )

    def tests(self, *arguments: str) -> list[str]:
        """The node ids of what would run."""
        lines = self.run("--collect-only", "-q", *arguments).outlines
        return [line for line in lines if "::" in line]

    def scenario(self, *steps: str, tags: str = "", name: str = "it") -> str:
        return "\n".join([f"  {tags}", f"  Scenario: {name}", *(f"    {step}" for step in steps)])
