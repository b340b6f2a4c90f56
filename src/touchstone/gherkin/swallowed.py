"""What Gherkin swallows: a line that was meant as a step, or as the title of a section, and is read
as a description, which may be any text.

A line of a description is refused where it starts with a keyword of one of the project's languages
that this file does not have, or with a word that is nearly one; `steps` refuses it where what it
says fits a step definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gherkin.dialect import Dialect

from touchstone.gherkin.said import LANGUAGES, say

_TITLES: Final = frozenset(
    {"feature", "rule", "background", "scenario", "scenarioOutline", "examples"}
)
_FENCES: Final = ('"""', "```")
# Words that one letter parts from a keyword, and that prose begins with.
_PROSE: Final = frozenset(
    {
        *("the", "they", "them", "than", "thin", "these", "there", "hen", "where", "who", "what"),
        *("whom", "give", "gives", "gave", "even", "giver", "rules", "role", "features"),
        *("дан", "дана", "даны", "данный", "иногда", "всегда", "туда", "куда", "пусто", "уста"),
    }
)
# Titles that prose rarely begins with, so that only the colon can be missing.
_PLAIN_TITLES: Final = ("scenario", "scenarioOutline", "background", "examples")


@dataclass(frozen=True)
class Description:
    """A line that is read as a description; `below_scenario` where steps would be expected."""

    line: int
    text: str
    below_scenario: bool


def descriptions(lines: Sequence[str], language: str) -> Iterator[Description]:
    """The lines of a file that is Gherkin which no keyword, table, tag or comment is on."""
    titles, steps = _of(language)
    heads = tuple(f"{word}:" for word in titles)
    others = (*steps, "|", "@", "#")
    fence, below = "", False
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if fence:
            fence = "" if text.startswith(fence) else fence
        elif not text or text.startswith(others):
            continue
        elif text.startswith(_FENCES):
            fence = text[:3]
        elif text.startswith(heads):
            title = next(word for word in titles if text.startswith(f"{word}:"))
            below = titles[title] in ("scenario", "scenarioOutline", "background")
        else:
            yield Description(number, text, below)


def meant(found: Description, language: str) -> str:
    """What the line was probably meant to be, as an end of a sentence; empty where it is prose."""
    text = found.text
    return (
        _of_another_language(text, language)
        or _nearly_a_title(text, language)
        or _nearly_a_step(found, language)
    )


def _of_another_language(text: str, language: str) -> str:
    for other in LANGUAGES:
        if other == language:
            continue
        titles, steps = _of(other)
        keyword = next((word for word in titles if text.startswith(f"{word}:")), "")
        # Of those that begin a step, the short ones begin prose too.
        keyword = keyword or next(
            (word for word in steps if len(word) > 4 and text.startswith(word)), ""
        )
        if keyword:
            hint = say(language, "language missing") if other == "ru" else ""
            return ": " + say(language, "other language", keyword=keyword.strip()) + hint
    return ""


def _nearly_a_title(text: str, language: str) -> str:
    start, colon, _ = text.partition(":")
    known = {**_of(language)[0], **_others(language)}
    if colon:
        near = [word for word in known if _is_near(start.strip(), word)]
    else:
        near = [
            word
            for word, kind in known.items()
            if kind in _PLAIN_TITLES and text.startswith(f"{word} ")
        ]
    if not near:
        return ""
    best = (
        min(near, key=lambda word: _slips(start.strip().lower(), word.lower()))
        if colon
        else near[0]
    )
    return say(language, "did you mean", near=f"{best}:")


def _nearly_a_step(found: Description, language: str) -> str:
    words = found.text.split()
    keywords = [step.strip() for step in (*_of(language)[1], *_others_steps(language))]
    near = ""
    for keyword in dict.fromkeys(keywords):
        count = len(keyword.split())
        bare = " ".join(words[:count]).rstrip(":,.;")
        if bare == keyword:  # with a colon behind it, or nothing
            return say(language, "did you mean", near=keyword)
        is_recased = bare.lower() == keyword.lower() and len(words) > count
        if is_recased and (found.below_scenario or bare.isupper()):
            return say(language, "did you mean", near=keyword)
        if not near and bare.lower() not in _PROSE and _is_near(bare, keyword):
            near = keyword
    return say(language, "did you mean", near=near) if near else ""


def _is_near(said: str, keyword: str) -> bool:
    """Whether one slip of the keyboard makes the one the other; two in a long word."""
    a, b = said.lower(), keyword.lower()
    if len(b) < 4 or a == b:
        return False
    return _slips(a, b) <= (1 if len(b) < 7 else 2)


def _slips(a: str, b: str) -> int:
    """Letters left out, put in, changed, or two of them swapped (Damerau and Levenshtein)."""
    if abs(len(a) - len(b)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        last, before, row = before, row, [i] + [0] * len(b)
        for j, right in enumerate(b, start=1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]


@lru_cache
def _of(language: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The keywords of a language: those of titles with their kinds, and those of steps, each with
    the blank that follows it."""
    dialect = Dialect.for_name(language)
    titles: dict[str, str] = {}
    steps: list[str] = []
    for kind, words in dialect.spec.items() if dialect else ():
        if isinstance(words, list):
            for word in words:
                if kind in _TITLES:
                    titles[word.strip()] = kind
                else:
                    steps.append(word)
    # The longest first: "Scenario Outline" before "Scenario".
    ordered = sorted(titles, key=len, reverse=True)
    return {word: titles[word] for word in ordered}, tuple(dict.fromkeys(steps))


def _others(language: str) -> dict[str, str]:
    return {
        word: kind
        for other in LANGUAGES
        if other != language
        for word, kind in _of(other)[0].items()
    }


def _others_steps(language: str) -> tuple[str, ...]:
    return tuple(step for other in LANGUAGES if other != language for step in _of(other)[1])


def without_first_word(text: str) -> str:
    """What would be the step if the first word was meant as its keyword."""
    return re.sub(r"^\S+\s+", "", text)
