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

from touchstone.steps import Definition, visible_to

_SUGGESTIONS = 3
_FIELD = re.compile(r"\{[^{}]*\}|\(\?P<\w+>.*?\)")
# What differs from one saying of a step to the next: quoted words and numbers.
_VARIABLE = re.compile(r"(?P<open>[\"“«])(?P<text>[^\"”»]*)[\"”»]|(?<![\w.,])\d+(?:[.,]\d+)?(?!\w)")

_WORDS = {
    "en": {
        "missing": "No step definition fits",
        "other": "The phrase is defined, but for another kind of step:",
        "meant": "Did you mean",
        "define": "To define it, write among the step definitions or in a conftest.py:",
    },
    "ru": {
        "missing": "Ни одно определение не подходит к шагу",
        "other": "Такая фраза определена, но для шага другого вида:",
        "meant": "Возможно, имелось в виду",
        "define": "Чтобы определить шаг, напишите среди определений шагов или в conftest.py:",
    },
}


@pytest.hookimpl(optionalhook=True)
def pytest_bdd_step_func_lookup_error(
    request: pytest.FixtureRequest, feature: Feature, step: Step, exception: Exception
) -> None:
    root = request.config.rootpath
    visible = visible_to(request.node)
    exception.args = (explain(step, feature, visible.definitions if visible else (), root),)


def explain(step: Step, feature: Feature, definitions: Iterable[Definition], root: Path) -> str:
    """What to tell who wrote the step; places are relative to `root`."""
    words = _WORDS.get(feature.language, _WORDS["en"])
    place = f"{_near(Path(feature.filename), root)}:{step.line_number}"
    parts = [f"{words['missing']}: {step.keyword} {step.name}\n    {place}"]
    known = [*definitions]
    others = [d for d in known if d.context.parser.is_matching(step.name)]
    meant = others or _nearest(step, known)
    if meant:
        found = "\n".join(f"    {_told(definition, root)}" for definition in meant)
        parts.append(f"{words['other' if others else 'meant']}\n\n{found}")
    if not others:
        code = "\n".join(f"    {line}".rstrip() for line in snippet(step).split("\n"))
        parts.append(f"{words['define']}\n\n{code}")
    return "\n\n".join(parts)


def snippet(step: Step) -> str:
    """A definition of the step, in which what is quoted and every number is a field."""
    phrase, arguments = _pattern(step.name)
    if arguments:
        imported, said = ["parsers", step.type], f"parsers.parse({_quoted(phrase)})"
    else:
        imported, said = [step.type], _quoted(step.name)
    if step.datatable is not None:
        arguments.append("datatable: list[list[str]]")
    if step.docstring is not None:
        arguments.append("docstring: str")
    return (
        f"from pytest_bdd import {', '.join(sorted(imported))}\n\n\n@{step.type}({said})\n"
        f"def _({', '.join(arguments)}) -> None:\n    raise NotImplementedError"
    )


def _pattern(name: str) -> tuple[str, list[str]]:
    """The step as a pattern of `parsers.parse`, and the arguments that its fields are."""
    arguments: list[str] = []

    def field(match: re.Match[str]) -> str:
        kind = "number" if match["open"] is None else "text"
        is_whole = kind == "number" and match[0].isdigit()
        number = sum(argument.startswith(kind) for argument in arguments) + 1
        argument = kind if number == 1 else f"{kind}_{number}"
        arguments.append(f"{argument}: {'int' if is_whole else 'str'}")
        inside = f"{{{argument}{':d' if is_whole else ''}}}"
        return inside if kind == "number" else f"{match[0][0]}{inside}{match[0][-1]}"

    return _VARIABLE.sub(field, name.replace("{", "{{").replace("}", "}}")), arguments


def _quoted(text: str) -> str:
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'


def _nearest(step: Step, definitions: Iterable[Definition]) -> list[Definition]:
    by_text = {_FIELD.sub("", d.context.parser.name): d for d in definitions}
    asked = _FIELD.sub("", _pattern(step.name)[0])
    return [by_text[text] for text in get_close_matches(asked, by_text, n=_SUGGESTIONS)]


def _told(definition: Definition, root: Path) -> str:
    context = definition.context
    function: Callable[..., object] = inspect.unwrap(context.step_func)
    code = getattr(function, "__code__", None)
    place = f"  ({_near(Path(code.co_filename), root)}:{code.co_firstlineno})" if code else ""
    return f"@{context.type or 'step'} {context.parser.name}{place}"


def _near(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
