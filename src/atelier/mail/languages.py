"""How letters write the figures of an order: what each is called, money, and what things are."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from atelier.domain.finishes import FINISHES
from atelier.domain.metals import METALS
from atelier.languages import figures

LABELS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "metal": "Metal",
            "making": "Making",
            "finish": "Finish",
            "total": "Total",
            "promised": "We ship it by",
            "tracking": "Tracking number",
            "address": "Delivery address",
        },
        "ru": {
            "metal": "Металл",
            "making": "Изготовление",
            "finish": "Отделка",
            "total": "Итого",
            "promised": "Отправим до",
            "tracking": "Номер отправления",
            "address": "Адрес доставки",
        },
    }
)
"""By the language's code. They are the letters' own words, as the files in `words` are."""


def money(amount: Decimal) -> str:
    """As pages write it, but in one piece: a line of a letter may end anywhere."""
    return figures.money(amount).replace(" ", "\u00a0")


def name_of(code: str) -> str:
    """The name of a metal or a finish; the code itself for what is no longer offered."""
    known = METALS.get(code) or FINISHES.get(code)
    return code if known is None else str(known.name)
