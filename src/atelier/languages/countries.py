"""What countries are called in the language that is spoken, by Unicode's CLDR."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from babel import Locale

from atelier.languages.speech import language


def country_name(code: str) -> str:
    """By its code of ISO 3166 (alpha-2); the code itself for one that is not known.

    >>> country_name("DE")
    'Germany'
    """
    return str(Locale(language()).territories.get(code, code))


def countries_by_name(codes: Iterable[str]) -> dict[str, str]:
    """The names of countries, by code, in their alphabetical order.

    >>> list(countries_by_name(["FR", "DE", "AX"]).values())
    ['Åland Islands', 'France', 'Germany']
    """
    named = {code: country_name(code) for code in codes}
    return dict(sorted(named.items(), key=lambda pair: _without_marks(pair[1])))


def _without_marks(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(one for one in decomposed if not unicodedata.combining(one)).casefold()
