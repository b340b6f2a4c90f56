"""The languages that people and the platform speak: which one now, and every message in it."""

from atelier.languages.speech import (
    ENGLISH,
    LANGUAGES,
    PARAMETER,
    language,
    speak,
    speaking,
)
from atelier.languages.texts import (
    LazyText,
    gettext,
    gettext_lazy,
    ngettext,
    ngettext_lazy,
    verbatim,
)

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "PARAMETER",
    "LazyText",
    "gettext",
    "gettext_lazy",
    "language",
    "ngettext",
    "ngettext_lazy",
    "speak",
    "speaking",
    "verbatim",
]
