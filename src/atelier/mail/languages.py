"""How letters write money and the names of things, in each language that we write in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from atelier.domain.finishes import FINISHES
from atelier.domain.metals import METALS

_NO_BREAK = "\u00a0"


@dataclass(frozen=True)
class Language:
    """`names` are of metals and finishes, by code, `labels` those of the figures in a letter."""

    code: str
    money: Callable[[Decimal], str]
    names: Mapping[str, str]
    labels: Mapping[str, str]

    def name(self, code: str) -> str:
        """The code itself for what is no longer offered."""
        return self.names.get(code, code)


def _english_money(amount: Decimal) -> str:
    return f"€{_NO_BREAK}{amount:,.2f}"


def _russian_money(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace(",", _NO_BREAK).replace(".", ",") + f"{_NO_BREAK}€"


_ENGLISH = Language(
    "en",
    _english_money,
    {
        **{metal.code: metal.name for metal in METALS.values()},
        **{finish.code: finish.name for finish in FINISHES.values()},
    },
    {
        "metal": "Metal",
        "making": "Making",
        "finish": "Finish",
        "total": "Total",
        "promised": "We ship it by",
        "tracking": "Tracking number",
        "address": "Delivery address",
    },
)
_RUSSIAN = Language(
    "ru",
    _russian_money,
    {
        "silver-925": "Серебро 925",
        "gold-585": "Золото 585",
        "gold-750": "Золото 750",
        "platinum-950": "Платина 950",
        "polished": "Полированная",
        "satin": "Сатинированная",
        "sandblasted": "Пескоструйная",
        "hammered": "Молотковая",
    },
    {
        "metal": "Металл",
        "making": "Изготовление",
        "finish": "Отделка",
        "total": "Итого",
        "promised": "Отправим до",
        "tracking": "Номер отправления",
        "address": "Адрес доставки",
    },
)

LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {language.code: language for language in (_ENGLISH, _RUSSIAN)}
)
"""By code."""
