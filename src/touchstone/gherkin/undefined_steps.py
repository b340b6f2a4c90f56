"""What a step that nobody has defined may have been meant to be, and what to write to define it,
said in the language of its feature where that is Russian, and in English otherwise."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

import pytest
from pytest_bdd.parser import Feature, Step

from touchstone.gherkin.phrases import HOUSES, SAID_IN_BOTH, House
from touchstone.gherkin.said import say
from touchstone.gherkin.snippets import in_house, pattern, plain
from touchstone.gherkin.step_lookup import Definition, visible_to
from touchstone.gherkin.unseen import cleaned, unseen

_SUGGESTIONS = 3
_FIELD = re.compile(r"\{[^{}]*\}|\(\?P<\w+>.*?\)")


@pytest.hookimpl(optionalhook=True)
def pytest_bdd_step_func_lookup_error(
    request: pytest.FixtureRequest, feature: Feature, step: Step, exception: Exception
) -> None:
    root = request.config.rootpath
    visible = visible_to(request.node)
    definitions = visible.definitions if visible else ()
    house = HOUSES[-1] if HOUSES and _is_at_home(definitions) else None
    exception.args = (explain(step, feature, definitions, root, house),)


def _is_at_home(definitions: Iterable[Definition]) -> bool:
    """Whether the definitions that a test sees are said in two languages."""
    return any(getattr(d.context.step_func, SAID_IN_BOTH, False) for d in definitions)


def explain(
    step: Step,
    feature: Feature,
    definitions: Iterable[Definition],
    root: Path,
    house: House | None = None,
) -> str:
    """What to tell who wrote the step; places are relative to `root`."""
    language = feature.language
    place = f"{_near(Path(feature.filename), root)}:{step.line_number}"
    missing = say(language, "no definition")
    parts = [f"{missing}: {step.keyword.strip()} {step.name}\n    {place}"]
    known = [*definitions]

    def fits(text: str) -> bool:
        return any(d.context.parser.is_matching(text) for d in known)

    if hidden := unseen(step.name, language, fits):
        parts.append(say(language, "unseen", what="; ".join(hidden)))
    others = [d for d in known if d.context.parser.is_matching(step.name)]
    meant = others or _nearest(step, known)
    if meant:
        found = "\n".join(f"    {_told(definition, root)}" for definition in meant)
        parts.append(f"{say(language, 'other kind' if others else 'meant')}\n\n{found}")
    # Where the step only looks different, there is nothing to be defined.
    if not others and not (hidden and fits(cleaned(step.name))):
        code = in_house(step, language, house, known) if house else plain(step)
        lines = "\n".join(f"    {line}".rstrip() for line in code.split("\n"))
        parts.append(f"{say(language, 'define')}\n\n{lines}")
    return "\n\n".join(parts)


def _nearest(step: Step, definitions: Iterable[Definition]) -> list[Definition]:
    by_text = {_FIELD.sub("", d.context.parser.name): d for d in definitions}
    asked = _FIELD.sub("", pattern(cleaned(step.name))[0])
    return [by_text[text] for text in get_close_matches(asked, by_text, n=_SUGGESTIONS)]


def _told(definition: Definition, root: Path) -> str:
    context = definition.context
    function: Callable[..., object] = inspect.unwrap(context.step_func)
    code = getattr(function, "__code__", None)
    place = f"  ({_near(Path(code.co_filename), root)}:{code.co_firstlineno})" if code else ""
    return f"@{context.type or 'step'} {context.parser.name}{place}"


def _near(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
