"""Every message is there in each language, with the same values."""

from __future__ import annotations

import ast
import inspect
import re
from string import Formatter

import pytest

from touchstone.browser import missing_controls
from touchstone.gherkin import (
    collector,
    feature_file,
    step_calls,
    swallowed,
    undefined_steps,
    unseen,
)
from touchstone.gherkin.said import LANGUAGES, MESSAGES, say

SPEAKERS = (
    feature_file,
    collector,
    missing_controls,
    undefined_steps,
    step_calls,
    swallowed,
    unseen,
)


@pytest.mark.parametrize("about", MESSAGES)
def test_a_message_is_in_each_language_and_speaks_of_the_same(about: str) -> None:
    words = MESSAGES[about]

    assert set(words) == set(LANGUAGES)
    values = [
        {name for _, name, _, _ in Formatter().parse(text) if name} for text in words.values()
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize("about", MESSAGES)
def test_russian_sets_off_with_the_long_dash_and_has_no_noun_after_a_number(about: str) -> None:
    russian = MESSAGES[about]["ru"]

    assert " – " not in russian
    assert not re.search(r"\{count\} \w", russian)


def test_who_speaks_another_language_is_answered_in_english() -> None:
    assert say("fr", "no name") == say("en", "no name")


@pytest.mark.parametrize("module", SPEAKERS, ids=lambda module: module.__name__)
def test_nothing_about_a_feature_is_said_past_the_messages(module: object) -> None:
    """An error, or a test that is failed, has its words from `say`."""
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    spoken = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", ""))
        in ("_error", "FeatureError", "CollectError", "fail")
    ]
    for call in spoken:
        for argument in call.args:
            for part in ast.walk(argument):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    words = part.value.strip(": ")
                    assert words in MESSAGES or " " not in words, f"line {call.lineno}: {words!r}"
