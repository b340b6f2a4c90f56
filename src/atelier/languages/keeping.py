"""A message as JSON, to be kept in a database or sent in an event, and told later to anybody.

>>> to_dict(gettext_lazy("All times are those of %(place)s.", place="Rome"))
{'message': 'All times are those of %(place)s.', 'values': {'place': 'Rome'}}
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from atelier.languages.figures import Figure
from atelier.languages.speech import ENGLISH, speaking
from atelier.languages.texts import LazyText, gettext_lazy, ngettext_lazy, verbatim


def to_dict(text: LazyText) -> dict[str, Any]:
    """Values are strings and whole numbers, figures and messages; anything else becomes a string.

    A message that the code no longer has when it is read is told in English.
    """
    if text.values is None:
        return {"text": text.messages[0]}
    content: dict[str, Any] = {
        "message": text.messages[0],
        "values": {name: _kept(value) for name, value in text.values.items()},
    }
    if text.count is not None:
        content |= {"plural": text.messages[1], "count": text.count}
    return content


def from_dict(content: object) -> LazyText:
    """The reverse of `to_dict`. Raises ValueError for what cannot be told."""
    text = _read(content)
    try:
        with speaking(ENGLISH):
            str(text)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no message that can be told, by {error!r}") from None
    return text


def from_dict_or_none(content: object) -> LazyText | None:
    """None for what cannot be told: whoever reads it has the English text, too."""
    try:
        return from_dict(content)
    except ValueError:
        return None


def _kept(value: object) -> Any:
    if isinstance(value, LazyText):
        return to_dict(value)
    if isinstance(value, Figure):
        return {"number": str(value.value)}
    return value if isinstance(value, int) else str(value)


def _read(content: object) -> LazyText:
    match content:
        case {"text": str(text)}:
            return verbatim(text)
        case {"message": str(one), "plural": str(many), "count": int(count), "values": dict(given)}:
            return ngettext_lazy(one, many, count, **_values(given))
        case {"message": str(message), "values": dict(given)}:
            return gettext_lazy(message, **_values(given))
    raise ValueError("this is no message")


def _values(given: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(value) for name, value in given.items()}


def _value(value: object) -> object:
    match value:
        case {"number": str(number)}:
            try:
                return Figure(Decimal(number))
            except InvalidOperation:
                raise ValueError("a figure that is no number") from None
        case dict():
            return _read(value)
    return value
