"""The definition that a step would have, as the project writes its own.

A project that says its steps in two languages (`phrases`) is answered in that form, with its own
placeholders: for what one of them can read, and for the names of people where its other steps have
one.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from string import Formatter
from typing import Final

import pytest
from pytest_bdd.parser import Step

from touchstone.gherkin.feature_file import ANY
from touchstone.gherkin.phrases import House
from touchstone.gherkin.step_lookup import Definition

# What differs from one saying of a step to the next: quoted words and numbers.
_VARIABLE: Final = re.compile(
    r"(?P<open>[\"“«])(?P<text>[^\"”»]*)[\"”»]|(?<![\w.,{])\d+(?:[.,]\d+)?(?![\w}])"
)
_WORD: Final = re.compile(r"\S+")
_PERSON: Final = re.compile(r"(\w+ по имени |\w+ )?\{(\w+)\}( the \w+)?")
_LONGEST: Final = 6  # words that one placeholder reads


def plain(step: Step) -> str:
    """With pytest-bdd alone."""
    kind = _kind(step)
    phrase, arguments = pattern(step.name)
    if arguments:
        imported, said = ["parsers", kind], f"parsers.parse({_quoted(phrase)})"
    else:
        imported, said = [kind], _quoted(step.name)
    return (
        f"from pytest_bdd import {', '.join(sorted(imported))}\n\n\n@{kind}({said})\n"
        f"def _({', '.join([*arguments, *_below(step)])}) -> None:\n    raise NotImplementedError"
    )


def in_house(step: Step, language: str, house: House, definitions: Iterable[Definition]) -> str:
    """As the project's own are written: one phrase in each language, with its placeholders."""
    phrase, types = _with_meanings(_escaped(step.name), house)
    phrase, people = _with_people(phrase, [d.context.parser.name for d in definitions], house)
    phrase, others = _with_variables(phrase)
    types = {**types, **dict.fromkeys(people, "str"), **others}
    order = [name for _, name, _, _ in Formatter().parse(phrase) if name]
    kind = _kind(step)
    said = {"en": phrase, "ru": phrase}
    other = "en" if language == "ru" else "ru"
    said[other] = " ".join(["…", *(f"{{{name}}} …" for name in order)])
    arguments = [f"{name}: {types.get(name, 'str')}" for name in dict.fromkeys(order)]
    return (
        f"from {house.module} import {kind}\n\n\n@{kind}(\n    en={_quoted(said['en'])},\n"
        f"    ru={_quoted(said['ru'])},\n)\n"
        f"def _({', '.join([*arguments, *_below(step)])}) -> None:\n    raise NotImplementedError"
    )


def pattern(name: str) -> tuple[str, list[str]]:
    """The step as a pattern of `parsers.parse`, and the arguments that its fields are."""
    phrase, types = _with_variables(_escaped(name), with_formats=True)
    return phrase, [f"{name}: {type_}" for name, type_ in types.items()]


def _with_variables(phrase: str, *, with_formats: bool = False) -> tuple[str, dict[str, str]]:
    types: dict[str, str] = {}

    def field(match: re.Match[str]) -> str:
        if match["open"] is not None and "{" in match["text"].replace("{{", ""):
            return match[0]  # it has a placeholder already
        kind = "number" if match["open"] is None else "text"
        is_whole = with_formats and kind == "number" and match[0].isdigit()
        number = sum(argument.startswith(kind) for argument in types) + 1
        argument = kind if number == 1 else f"{kind}_{number}"
        types[argument] = "int" if is_whole else "str"
        inside = f"{{{argument}{':d' if is_whole else ''}}}"
        return inside if kind == "number" else f"{match[0][0]}{inside}{match[0][-1]}"

    return _VARIABLE.sub(field, phrase), types


def _with_meanings(phrase: str, house: House) -> tuple[str, dict[str, str]]:
    """The longest runs of words that one of the project's placeholders reads become it."""
    types: dict[str, str] = {}
    for length in range(_LONGEST, 0, -1):
        start = 0
        while True:
            words = [match for match in _WORD.finditer(phrase) if match.start() >= start]
            if len(words) < length:
                break
            first, last = words[0], words[length - 1]
            text = phrase[first.start() : last.end()]
            bare = text.strip("«»“”\"',.;:")
            begin = first.start() + text.find(bare)
            start = first.end()
            if not bare or "{" in bare:
                continue
            for name, read in house.meaning.items():
                if name not in types and _reads(read, bare):
                    types[name] = _type_of(read)
                    phrase = f"{phrase[:begin]}{{{name}}}{phrase[begin + len(bare) :]}"
                    start = begin + len(name) + 2
                    break
    return phrase, types


def _with_people(phrase: str, known: Iterable[str], house: House) -> tuple[str, list[str]]:
    """Names stand where other phrases have a placeholder: before "the customer", after
    "покупательница" or "покупательницы по имени"."""
    found: list[str] = []
    for other in known:
        for before, name, after in _PERSON.findall(other):
            if name in house.meaning or name in found or not (after or len(before) > 4):
                continue
            place = (
                rf"(?P<name>[^\W\d_]\w*)(?={re.escape(after)}\b)"
                if after
                else rf"(?<=\b{re.escape(before)})(?P<name>[^\W\d_]\w*)"
            )
            match = re.search(place, phrase)
            if match and match["name"][0].isupper():
                phrase = f"{phrase[: match.start('name')]}{{{name}}}{phrase[match.end('name') :]}"
                found.append(name)
    return phrase, found


def _reads(read: object, text: str) -> bool:
    if read is int:
        return text.isascii() and text.isdigit()
    try:
        read(text)  # type: ignore[operator]
    except (Exception, pytest.fail.Exception):
        return False
    return True


def _type_of(read: object) -> str:
    if isinstance(read, type):
        return read.__name__
    returned = inspect.signature(read).return_annotation  # type: ignore[arg-type]
    return returned if isinstance(returned, str) else getattr(returned, "__name__", "str")


def _kind(step: Step) -> str:
    return "given" if step.type == ANY else step.type


def _below(step: Step) -> list[str]:
    table = ["datatable: list[list[str]]"] if step.datatable is not None else []
    return [*table, *(["docstring: str"] if step.docstring is not None else [])]


def _escaped(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")


def _quoted(text: str) -> str:
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'
