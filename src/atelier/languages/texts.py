"""Messages for people: written in English in the code, told in the language that is spoken.

Values stand in a message as `%(name)s` (https://docs.python.org/3/library/stdtypes.html,
"printf-style String Formatting"), so that a translation can put them in its own order; a percent
sign is written `%%`. What a message is told with may be a message itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from atelier.languages.catalogues import translations
from atelier.languages.speech import language


def gettext(message: str, /, **values: object) -> str:
    """`message` in the language that is spoken now."""
    return translations(language()).gettext(message) % values


def ngettext(singular: str, plural: str, count: int, /, **values: object) -> str:
    """The form of a message that fits `count`, which is its value `count`, too."""
    chosen = translations(language()).ngettext(singular, plural, count)
    return chosen % {"count": count, **values}


class LazyText:
    """A message that is told when it becomes a `str`, in the language that is spoken then.

    It is passed around where it is not known yet who reads it, in exceptions above all. `messages`
    is one, or its singular and plural, `values` are None for somebody's own words.
    """

    __slots__ = ("count", "messages", "values")

    def __init__(
        self, *messages: str, count: int | None = None, values: Mapping[str, object] | None = None
    ) -> None:
        self.messages = messages
        self.count = count
        self.values = values

    def __str__(self) -> str:
        if self.values is None:
            return self.messages[0]
        if self.count is None:
            return gettext(self.messages[0], **self.values)
        singular, plural = self.messages
        return ngettext(singular, plural, self.count, **self.values)

    def __repr__(self) -> str:
        return f"LazyText({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LazyText):
            return NotImplemented
        ours = self.messages, self.count, self.values
        return ours == (other.messages, other.count, other.values)

    def __hash__(self) -> int:
        return hash(self.messages)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __add__(self, other: object) -> str:
        return str(self) + str(other)

    def __radd__(self, other: object) -> str:
        return str(other) + str(self)


def gettext_lazy(message: str, /, **values: object) -> LazyText:
    """`message` in the language that will be spoken when it is told."""
    return LazyText(message, values=values)


def ngettext_lazy(singular: str, plural: str, count: int, /, **values: object) -> LazyText:
    """The form of a message that fits `count`, in the language that will be spoken then."""
    return LazyText(singular, plural, count=count, values=values)


def verbatim(text: str) -> LazyText:
    """Words that are not ours, such as a reason that somebody wrote: told as they are."""
    return LazyText(text)
