"""How the language that is spoken writes money, numbers and sizes, by Unicode's CLDR."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from babel.numbers import format_currency, format_decimal

from atelier.languages.speech import ENGLISH, language
from atelier.languages.texts import gettext, ngettext

_MONEY: Final = {ENGLISH: "¤ #,##0.00", "ru": "#,##0.00\u00a0¤"}


def money(amount: Decimal) -> str:
    """`amount` of euros for people.

    >>> money(Decimal("1234.5"))
    '€ 1,234.50'
    """
    spoken = language()
    return format_currency(amount, "EUR", _MONEY[spoken], locale=spoken)


def number(value: Decimal | float) -> str:
    """A number for people, with all the places that it has.

    >>> number(Decimal("12345.60"))
    '12,345.60'
    """
    places = len(f"{Decimal(str(value)):f}".partition(".")[2])
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return format_decimal(value, pattern, locale=language())


@dataclass(frozen=True)
class Figure:
    """A number as a value of a message that is told later: it is written as `number` does then.

    >>> str(Figure(12345))
    '12,345'
    """

    value: Decimal | float

    def __str__(self) -> str:
        return number(self.value)


def file_size(size: int) -> str:
    """A number of bytes for people.

    >>> file_size(190_384), file_size(52_428_800), file_size(26)
    ('186 KB', '50 MB', '26 bytes')
    """
    if size < 1024:
        return ngettext("%(count)s byte", "%(count)s bytes", size)
    if size < 1024**2:
        return gettext("%(size)s KB", size=number(round(size / 1024)))
    megabytes = round(Decimal(size) / 1024**2, 1)
    return gettext("%(size)s MB", size=number(megabytes.normalize() + 0))
