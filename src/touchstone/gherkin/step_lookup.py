"""Which step definition a step means, found by an index instead of by trying them all.

pytest-bdd asks, for each step that runs, all fixtures of the run whether they are a step definition
that the test can see and whose phrase fits, and registers what fits as a fixture to have pytest
choose. Here the definitions that a test can see are sorted once: literal phrases by their text, the
others by the rarest word that a step must have in order to fit. Whether one fits is still for its
own parser to say, and of several the one is taken that pytest would have chosen: that of the module
or folder nearest to the test, and of these the last in the order in which pytest knows them.

Should pytest or pytest-bdd keep their definitions in another way one day, theirs is the search.
"""

from __future__ import annotations

import inspect
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any

import pytest
from pytest_bdd import parsers
from pytest_bdd.parser import Step
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry
from pytest_bdd.types import STEP_TYPES

from touchstone.gherkin import step_calls
from touchstone.gherkin.feature_file import ANY

_MODULE = import_module("pytest_bdd.scenario")  # the package has a function of this name
_SEARCH = "get_step_function"
_ORIGINAL = getattr(_MODULE, _SEARCH, None)
_FIELD = re.compile(r"\{[^{}]*\}")
_LITERAL = re.compile(r"[\w ,:;%№@\"'«»“”–—-]*")

_index = pytest.StashKey["Index"]()
_before = pytest.StashKey[Any]()


@dataclass(frozen=True)
class Definition:
    """A step definition. Of several that fit, the one with the highest rank is meant."""

    context: StepFunctionContext
    rank: tuple[int, int, int]


def pytest_configure(config: pytest.Config) -> None:
    if _ORIGINAL and list(inspect.signature(_ORIGINAL).parameters) == ["request", "step"]:
        config.stash[_before] = getattr(_MODULE, _SEARCH)
        setattr(_MODULE, _SEARCH, _search)


def pytest_unconfigure(config: pytest.Config) -> None:
    # One run may be inside another.
    if before := config.stash.get(_before, None):
        setattr(_MODULE, _SEARCH, before)


def visible_to(item: pytest.Item) -> Visible | None:
    """The step definitions that a test can see; None where they cannot be listed."""
    index = item.session.stash.get(_index, None)
    if index is None or index.size != len(step_function_context_registry):
        index = item.session.stash[_index] = Index(item.session)
    return index.visible_to(item)


def _search(request: pytest.FixtureRequest, step: Step) -> StepFunctionContext | None:
    """Takes the place of pytest-bdd's function. That one is asked when nothing is found, before
    the step is said to be undefined."""
    __tracebackhide__ = True
    visible = visible_to(request.node)
    answer: StepFunctionContext | None
    if visible and (meant := visible.meant_by(step)):
        answer = meant.context
    else:
        assert _ORIGINAL
        answer = _ORIGINAL(request, step)
    if answer is not None:
        step_calls.check(request, step, answer)
    return answer


class Index:
    """The step definitions of a run by the node of the collection tree that they belong to, as
    pytest keeps them. `size` tells whether more have been made since."""

    def __init__(self, session: pytest.Session) -> None:
        self.size = len(step_function_context_registry)
        self._by_node: dict[Any, list[Definition]] = {}
        self._visible: dict[tuple[Any, ...], Visible] = {}
        manager = session._fixturemanager
        by_name = getattr(manager, "_arg2node2fixturedefs", None)
        # Of definitions that a plugin registers by node id the order is not known here.
        self._is_complete = by_name and not getattr(manager, "_arg2nodeid2fixturedefs", None)
        if not by_name or not self._is_complete:
            return
        for position, by_node in enumerate(by_name.values()):
            for node, fixtures in by_node.items():
                for number, fixture in enumerate(fixtures):
                    if context := step_function_context_registry.get(fixture.func):
                        _remember_signature(context.step_func)
                        # Of one name and node pytest lists the newest first.
                        rank = (sum(1 for _ in node.iter_parents()), position, -number)
                        self._by_node.setdefault(node, []).append(Definition(context, rank))

    def visible_to(self, item: pytest.Item) -> Visible | None:
        if not self._is_complete:
            return None
        scope = tuple(node for node in item.iter_parents() if node in self._by_node)
        if scope not in self._visible:
            self._visible[scope] = Visible(
                chain.from_iterable(self._by_node[node] for node in scope)
            )
        return self._visible[scope]


class Visible:
    """The step definitions of one scope."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = [*definitions]
        self._literal: dict[tuple[str, str], list[Definition]] = {}
        self._by_word: dict[tuple[str, str], list[Definition]] = {}
        needed = [words_of(definition.context.parser) for definition in self.definitions]
        count = Counter(chain.from_iterable(needed))
        for definition, words in zip(self.definitions, needed, strict=True):
            context = definition.context
            for type_ in [context.type] if context.type else STEP_TYPES:
                if type(context.parser) is parsers.string:
                    self._literal.setdefault((type_, context.parser.name), []).append(definition)
                else:
                    rarest = min(words, key=count.__getitem__, default="")
                    self._by_word.setdefault((type_, rarest), []).append(definition)

    def meant_by(self, step: Step) -> Definition | None:
        """The definition that the step means; None when none fits.

        The step takes the Unicode form in which its phrase is written: they are the same text.
        """
        for name in spellings(step.name):
            if fitting := self.fitting(step.type, name):
                step.name = name
                return max(fitting, key=lambda definition: definition.rank)
        return None

    def fitting(self, type_: str, name: str) -> list[Definition]:
        """All definitions of a type, or of any, that the text fits."""
        types = STEP_TYPES if type_ == ANY else (type_,)
        return [definition for each in types for definition in self._of_type(each, name)]

    def fits_any(self, text: str) -> bool:
        """Whether a definition of any type has the text as its phrase, but for those that take
        whatever is said."""
        return any(
            definition.context.parser.name.strip() == text or words_of(definition.context.parser)
            for type_ in STEP_TYPES
            for definition in self._of_type(type_, text)
        )

    def _of_type(self, type_: str, name: str) -> Iterator[Definition]:
        yield from self._literal.get((type_, name), ())
        for word in {"", *fold(name).split(" ")}:
            for definition in self._by_word.get((type_, word), ()):
                if definition.context.parser.is_matching(name):
                    yield definition


def _remember_signature(function: Any) -> None:
    """pytest-bdd looks at it twice for each step; here `inspect` finds it without looking."""
    with suppress(AttributeError, TypeError, ValueError):
        function.__signature__ = inspect.signature(function)


def words_of(parser: parsers.StepParser) -> set[str]:
    """Words, folded, that every step has between spaces which the parser matches; maybe none."""
    if type(parser) in (parsers.parse, parsers.cfparse):
        pieces = _FIELD.split(parser.name)
        if any(brace in piece for piece in pieces for brace in "{}"):
            return set()
    elif type(parser) is parsers.re and parser.regex.flags == re.UNICODE:
        pieces = _start_of(parser.name)
    else:
        return set()
    words: set[str] = set()
    for number, piece in enumerate(pieces):
        # What touches a field may be a part of a longer word.
        parts = fold(piece).split(" ")
        words.update(parts[number > 0 : len(parts) - (number < len(pieces) - 1)])
    return words - {""}


def _start_of(pattern: str) -> list[str]:
    """The literal start of a regular expression as if a field followed it."""
    if "|" in pattern:
        return ["", ""]
    start = _LITERAL.match(pattern)
    literal = start[0] if start else ""
    if pattern[len(literal) :].startswith(("*", "+", "?", "{")):
        literal = literal[:-1]
    return [literal, ""]


def spellings(name: str) -> list[str]:
    """The text in the Unicode forms in which a phrase may be written."""
    forms = [name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))]
    return list(dict.fromkeys(forms))


def fold(text: str) -> str:
    """Equal for texts that a regular expression takes for each other when it ignores case."""
    return text.replace("İ", "i").replace("ı", "i").casefold()
