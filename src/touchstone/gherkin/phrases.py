"""How a step is said: every step has one English and one Russian phrase, and one meaning.

    given, when, then = phrases({"price": money})

    @when(
        en="{customer} the customer pays {price}",
        ru="покупательница {customer} платит {price}",
    )
    def pays(customer: str, price: Decimal) -> None: ...

A placeholder means the same in every step: here `{price}` is always read by `money`. One that has
no meaning of its own, such as a person's name, stays the text that it is.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from string import Formatter
from typing import ParamSpec, Protocol, TypeVar

import pytest
import pytest_bdd
from pytest_bdd import parsers

P = ParamSpec("P")
T = TypeVar("T")

Meaning = Mapping[str, Callable[[str], object]]
"""By placeholder, what turns its text into a value; it raises ValueError when it cannot."""


@dataclass(frozen=True)
class House:
    """How a project says its steps: what its placeholders mean, and the module that has its
    `given`, `when` and `then`."""

    meaning: Meaning
    module: str


SAID_IN_BOTH = "__touchstone_said_in_both__"
"""The mark of a function whose step is said in both languages."""

HOUSES: list[House] = []
"""Those of the projects that this process has loaded, the newest last."""


class Sayable(Protocol):
    """A decorator of step functions; raises ValueError when the phrases' placeholders differ."""

    def __call__(self, *, en: str, ru: str) -> Callable[[Callable[P, T]], Callable[P, T]]: ...


def phrases(meaning: Meaning) -> tuple[Sayable, Sayable, Sayable]:
    """The decorators `given`, `when` and `then`, whose placeholders have this meaning."""
    HOUSES.append(House(meaning, sys._getframe(1).f_globals.get("__name__", "")))
    return (
        _in_both_languages(pytest_bdd.given, meaning),
        _in_both_languages(pytest_bdd.when, meaning),
        _in_both_languages(pytest_bdd.then, meaning),
    )


def _in_both_languages(
    keyword: Callable[..., Callable[[Callable[P, T]], object]], meaning: Meaning
) -> Sayable:
    converters = {name: _or_told(read) for name, read in meaning.items()}

    def say(*, en: str, ru: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
        if _placeholders(en) != _placeholders(ru):
            raise ValueError(f"the two phrases speak of different things: {en!r}, {ru!r}")

        def bind(function: Callable[P, T]) -> Callable[P, T]:
            for phrase in (en, ru):
                # pytest-bdd leaves the step in the module that is `stacklevel` frames above its
                # own decorator: the one that holds `function`, not this one.
                keyword(
                    parsers.parse(unicodedata.normalize("NFC", phrase), case_sensitive=True),
                    converters=converters,
                    stacklevel=2,
                )(function)
            with suppress(AttributeError):
                setattr(function, SAID_IN_BOTH, True)
            return function

        return bind

    return say  # type: ignore[return-value]


def _or_told(read: Callable[[str], object]) -> Callable[[str], object]:
    def told(text: str) -> object:
        try:
            return read(text)
        except ValueError as error:
            problem = str(error)
        # Whoever wrote the step wants to know what is wrong in it, not where that was found out.
        pytest.fail(problem, pytrace=False)

    return told


def _placeholders(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}
