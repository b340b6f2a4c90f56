"""The language that is spoken now: of the request that is answered, or of the letter's reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

ENGLISH: Final = "en"
"""The language that messages are written in, and that is spoken where nobody asks for another."""

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType({ENGLISH: "English", "ru": "Русский"})
"""What each language is called by those who speak it, by code (ISO 639-1)."""

PARAMETER: Final = "lang"
"""What a link's query calls the language that its page is to be in, as `?lang=ru`."""

_SPOKEN: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language() -> str:
    """The code of the language that is spoken now, a key of `LANGUAGES`."""
    return _SPOKEN.get()


def speak(code: str) -> None:
    """Speak the language `code` from now on, in this task and what it starts. Raises ValueError."""
    _SPOKEN.set(_known(code))


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak the language `code` meanwhile. Raises ValueError."""
    token = _SPOKEN.set(_known(code))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def _known(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"we do not speak {code!r}, but {', '.join(LANGUAGES)}")
    return code
