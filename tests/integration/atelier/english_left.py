"""What of a page is told in English where another language is spoken: our own messages, found by
their catalogues."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Final

from atelier.languages import catalogues

_READ: Final = {"alt", "title", "placeholder", "aria-label"} | {
    f"data-{name}" for name in ("label", "measures", "slider", "without", "words")
}
_SILENT: Final = {"script", "style"}
_VALUE: Final = re.compile(r"%\(\w+\)s")
_WORD: Final = re.compile(r"[A-Za-z]+")
# A shorter message may be a part of what somebody wrote; a longer one is found in any text.
_SENTENCE: Final = 3  # words


def english_left(page: str, language: str) -> list[str]:
    """The texts of `page` that hold a message which `language` has other words for."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [text for text in reader.texts if any(each.search(text) for each in _messages(language))]


class _Reader(HTMLParser):
    """Collects what people read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        for name, value in attrs:
            if name in _READ or name.startswith("data-facets"):
                self._hear(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._hear(data)

    def _hear(self, text: str) -> None:
        if plain := " ".join(text.split()):
            self.texts.append(plain)


@cache
def _messages(language: str) -> tuple[re.Pattern[str], ...]:
    """One pattern for each piece of a message that has no tag in it."""
    found = set()
    for file in sorted((catalogues.FOLDER / language).glob("*.po")):
        for message in catalogues.read(file, language):
            told = (
                {message.string} if isinstance(message.string, str) else set(message.string or ())
            )
            for text in {message.id} if isinstance(message.id, str) else set(message.id):
                if text not in told:
                    found |= set(_patterns(text))
    return tuple(re.compile(pattern) for pattern in sorted(found))


def _patterns(message: str) -> Iterator[str]:
    for piece in re.split(r"<[^>]+>", html.unescape(message)):
        plain = " ".join(piece.split())
        words = _WORD.findall(_VALUE.sub("", plain))
        # Units beside values are too little to tell a language by.
        if "%" not in plain or any(len(word) > 2 for word in words):
            pattern = ".+?".join(re.escape(part.replace("%%", "%")) for part in _VALUE.split(plain))
            yield pattern if len(words) >= _SENTENCE else f"^{pattern}$"
