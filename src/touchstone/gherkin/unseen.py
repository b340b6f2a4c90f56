"""What cannot be seen in a step that nobody has defined, although it looks like one that is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from touchstone.gherkin.said import say

_NO_BREAK: Final = re.compile("[\u00a0\u202f\u2007]")
_ZERO_WIDTH: Final = re.compile("[\u200b-\u200f\u2060\ufeff]")
_SOFT_HYPHEN: Final = "\u00ad"
_QUOTES: Final = "\"'“”„‟‘’‚‛«»‹›`"
_PAIRS: Final = (('"', '"'), ("“", "”"), ("«", "»"), ("'", "'"), ("’", "’"))
_DASHES: Final = "-–—‐‑‒−"
# Letters of one script that look like those of another.
_ALONE: Final = frozenset(
    "aceopxyABCEHKMOPTX"
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0410\u0412\u0421\u0415\u041d\u041a\u041c\u041e\u0420\u0422\u0425"
)
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK")


def unseen(text: str, language: str, fits: Callable[[str], bool]) -> list[str]:
    """What there is, in words; `fits` says whether a text would fit a definition."""
    return [
        *(say(language, "no-break space") for _ in _NO_BREAK.findall(text)[:1]),
        *(say(language, "zero width") for _ in _ZERO_WIDTH.findall(text)[:1]),
        *([say(language, "soft hyphen")] if _SOFT_HYPHEN in text else []),
        *([say(language, "decomposed")] if unicodedata.normalize("NFC", text) != text else []),
        *_look_alikes(text, language),
        *_other_marks(text, language, fits),
    ]


def cleaned(text: str) -> str:
    """The text with nothing in it that cannot be seen."""
    text = _ZERO_WIDTH.sub("", text).replace(_SOFT_HYPHEN, "")
    return unicodedata.normalize("NFC", _NO_BREAK.sub(" ", text))


def _look_alikes(text: str, language: str) -> Iterator[str]:
    common = _script_of(text)
    for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text)):
        scripts = [_script_of(letter) for letter in word]
        usual = max(_SCRIPTS, key=scripts.count)
        if len(word) == 1 and word in _ALONE:
            usual = common
        for letter, script in zip(word, scripts, strict=True):
            if script and usual and script != usual:
                named = say(language, script.title())
                yield say(language, "look-alike", letter=letter, word=word, script=named)
                break


def _other_marks(text: str, language: str, fits: Callable[[str], bool]) -> Iterator[str]:
    mark = next((letter for letter in text if letter in _QUOTES), "")
    for opening, closing in _PAIRS if mark else ():
        other = _with_quotes(text, opening, closing)
        if other != text and fits(other):
            yield say(language, "quotes", mark=mark, other=opening)
            return
    dash = next((letter for letter in text if letter in _DASHES), "")
    for instead in _DASHES if dash else ():
        other = re.sub(f"[{_DASHES}]", instead, text)
        if other != text and fits(other):
            yield say(language, "dash", mark=dash, other=instead)
            return


def _with_quotes(text: str, opening: str, closing: str) -> str:
    is_open = False

    def turn(_: re.Match[str]) -> str:
        nonlocal is_open
        is_open = not is_open
        return opening if is_open else closing

    return re.sub(f"[{re.escape(_QUOTES)}]", turn, text)


def _script_of(text: str) -> str:
    """The script of most of its letters; empty where there is none of these."""
    names = [unicodedata.name(letter, "").partition(" ")[0] for letter in text]
    script = max(_SCRIPTS, key=names.count)
    return script if script in names else ""
