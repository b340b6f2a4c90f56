"""The metals we cast in: what they are called and what they weigh.

Densities follow from the composition by mass (the volumes of the parts add up: 1/ρ = Σ wᵢ/ρᵢ) and
the densities of the elements at room temperature in g/cm³ – Ag 10.49, Au 19.30, Cu 8.96, Pt 21.45,
Ru 12.45 (CRC Handbook of Chemistry and Physics) – rounded to two places. They lie within what
refiners publish for such alloys: sterling silver 10.2–10.4, 14-carat gold 12.9–14.6, 18-carat
yellow gold 15.2–15.9, platinum-ruthenium 20.6–20.8.

What a gram costs changes from day to day, so it is kept in the database, by
`atelier.usecases.metal_prices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _


@dataclass(frozen=True)
class Metal:
    code: str
    name: LazyText
    density: Decimal
    """g/cm³"""


_ALLOYS = (
    # Ag 92.5 %, Cu 7.5 %
    Metal("silver-925", _("Silver 925"), Decimal("10.36")),
    # Au 58.5 %, Ag 25 %, Cu 16.5 %
    Metal("gold-585", _("Gold 585"), Decimal("13.78")),
    # Au 75 %, Ag 12.5 %, Cu 12.5 %
    Metal("gold-750", _("Gold 750"), Decimal("15.45")),
    # Pt 95 %, Ru 5 %
    Metal("platinum-950", _("Platinum 950"), Decimal("20.70")),
)

METALS: Mapping[str, Metal] = MappingProxyType({alloy.code: alloy for alloy in _ALLOYS})
"""By code, in the order in which customers see them."""


class UnknownMetal(Exception):
    """There is no metal of this code; the text lists those that there are."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return str(
            _(
                "We do not work in “%(metal)s”. Please choose one of: %(metals)s.",
                metal=self.code,
                metals=", ".join(METALS),
            )
        )


def metal(code: str) -> Metal:
    """The metal of this code. Raises UnknownMetal."""
    try:
        return METALS[code]
    except KeyError:
        raise UnknownMetal(code) from None
