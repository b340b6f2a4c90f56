"""A line that was meant as a step or a title, and is read as a description."""

from __future__ import annotations

import pytest

from touchstone.gherkin.said import language_of
from touchstone.gherkin.swallowed import Description, descriptions, meant


@pytest.mark.parametrize(
    ("line", "language", "hint"),
    [
        # One slip of the keyboard
        *[
            (f"{word} a bench", "en", "“Given”")
            for word in ("Givn", "Gven", "Giben", "Givenn", "Igven")
        ],
        *[(f"{word} a bench", "en", "“When”") for word in ("Whenn", "Wehn", "Whn", "Wen")],
        *[(f"{word} a bench", "en", "“Then”") for word in ("Thn", "Thenn", "Tehn")],
        *[(f"{word} скамья", "ru", "«Дано»") for word in ("Даноо", "Дно", "Дпно", "Даон")],
        *[(f"{word} он садится", "ru", "«Когда»") for word in ("Кагда", "Кгда", "Кодга", "Коогда")],
        ("Тагда ему хорошо", "ru", "«Тогда»"),
        ("Допстим скамья", "ru", "«Допустим»"),
        # A colon, another case, nothing behind it
        ("Given: a bench", "en", "“Given”"),
        ("GIVEN a bench", "en", "“Given”"),
        ("given a bench", "en", "“Given”"),
        ("дано скамья", "ru", "«Дано»"),
        ("ТОГДА ему хорошо", "ru", "«Тогда»"),
        ("When", "en", "“When”"),
        # Another language
        ("Дано скамья", "en", "“Дано” is a keyword of another language"),
        ("Given a bench", "ru", "«Given» — ключевое слово другого языка"),
        ("Сценарий: один", "en", "“Сценарий” is a keyword of another language"),
        # Titles
        ("Scenaro: one", "en", "Scenario"),
        ("Backgroud:", "en", "“Background:”"),
        ("Exmples:", "en", "“Examples:”"),
        ("Scenario one sits", "en", "“Scenario:”"),
        ("Предистория:", "ru", "«Предыстория:»"),
        ("Примры:", "ru", "«Примеры:»"),
    ],
)
def test_what_was_meant_is_named(line: str, language: str, hint: str) -> None:
    assert hint in meant(Description(3, line, below_scenario=True), language)


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("The price is known before the customer confirms.", "en"),
        ("They read why, and confirm again.", "en"),
        ("Where it is possible, a letter is sent.", "en"),
        ("Events come twice; and late.", "en"),
        ("Any metal will do: gold, silver.", "en"),
        ("As a customer I want a ring", "en"),
        ("Note: see the guide.", "en"),
        ("Заказ не теряется, что бы ни случилось.", "ru"),
        ("Иногда письмо опаздывает: тогда его ждут.", "ru"),
        ("Дана модель кольца.", "ru"),
        ("Так заказчик узнаёт цену.", "ru"),
    ],
)
def test_prose_is_prose(line: str, language: str) -> None:
    assert meant(Description(3, line, below_scenario=False), language) == ""


def test_only_what_is_read_as_a_description_is_one() -> None:
    text = '''# a comment
@tag
Feature: A
  Of rings.

  Background:
    Given a bench
      """
      Givn is text here
      Whn this is, too
      """
  Scenario: B
    why it is so
    When somebody sits down
      | Whn | a cell |
    # Thn a comment
    * they are well
    Examples:
'''
    found = list(descriptions(text.split("\n"), language_of(text)))

    assert found == [Description(4, "Of rings.", False), Description(13, "why it is so", True)]


def test_a_keyword_in_small_letters_is_one_only_where_steps_are_expected() -> None:
    line = "given that gold is dear, few order it"

    assert meant(Description(3, line, below_scenario=False), "en") == ""
    assert "Given" in meant(Description(3, line, below_scenario=True), "en")
