"""What a piece costs.

    weight = volume ÷ 1000 × density                       g, 3 places (1 cm³ = 1000 mm³)
    metal  = weight × price of a gram                      EUR, 2 places
    making = 45.00 + weight × 6.50                         a heavier piece is more work
    finish = what the chosen finish costs                  per piece, hallmark included
    total  = metal + making + finish

Every line is rounded half up to its places before the next one uses it, so that a customer who
recomputes a quote from the figures on it gets the same cents. Rounding keeps the order of numbers:
a larger volume never costs less.

Everything that a price depends on is its `Basis`, which is kept with the price: the same basis
gives the same cents, whatever metals, finishes and making cost by then. A change of the formula
itself is a new number in `FORMULAS`; the old ones stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from atelier.domain.finishes import Finish
from atelier.domain.metals import Metal

FORMULA: Final = 1
"""The number of the formula that new prices are calculated by."""

_MAKING = Decimal("45.00")
_MAKING_PER_GRAM = Decimal("6.50")

_THOUSANDTH = Decimal("0.001")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Basis:
    """All that a price is calculated from."""

    volume_mm3: Decimal
    """3 places"""
    density: Decimal
    """g/cm³"""
    price_per_gram: Decimal
    """EUR, like all that follow"""
    making: Decimal
    """of any piece"""
    making_per_gram: Decimal
    finish: Decimal
    """of a piece"""
    formula: int = FORMULA


@dataclass(frozen=True)
class Quote:
    """A price with the figures that it is made of."""

    volume_mm3: Decimal
    """3 places"""
    weight_g: Decimal
    """3 places"""
    metal_cost: Decimal
    """EUR, 2 places, like all that follow"""
    making: Decimal
    finish: Decimal
    total: Decimal


def basis(volume_mm3: Decimal, metal: Metal, price_per_gram: Decimal, finish: Finish) -> Basis:
    """What a price of today is calculated from.

    Raises ValueError for a volume or a price of a gram that is not a positive number.
    """
    if not (volume_mm3.is_finite() and volume_mm3 > 0):
        raise ValueError(f"a piece has a volume above 0 mm³, not {volume_mm3}")
    if not (price_per_gram.is_finite() and price_per_gram > 0):
        raise ValueError(f"a gram costs more than 0 EUR, not {price_per_gram}")
    return Basis(
        volume_mm3=volume_mm3.quantize(_THOUSANDTH, ROUND_HALF_UP),
        density=metal.density,
        price_per_gram=price_per_gram,
        making=_MAKING,
        making_per_gram=_MAKING_PER_GRAM,
        finish=finish.cost,
    )


def calculate(basis: Basis) -> Quote:
    """The price that follows from `basis`. Raises ValueError for an unknown formula."""
    if basis.formula not in FORMULAS:
        raise ValueError(f"there is no formula {basis.formula}; there are: {sorted(FORMULAS)}")
    return FORMULAS[basis.formula](basis)


def quote(volume_mm3: Decimal, metal: Metal, price_per_gram: Decimal, finish: Finish) -> Quote:
    """The price of a piece of this volume, cast in this metal and finished like this, while a
    gram of the metal costs this much.

    Raises ValueError for a volume or a price of a gram that is not a positive number.
    """
    return calculate(basis(volume_mm3, metal, price_per_gram, finish))


def _by_volume(basis: Basis) -> Quote:
    weight = (basis.volume_mm3 / 1000 * basis.density).quantize(_THOUSANDTH, ROUND_HALF_UP)
    metal_cost = (weight * basis.price_per_gram).quantize(_CENT, ROUND_HALF_UP)
    making = (basis.making + weight * basis.making_per_gram).quantize(_CENT, ROUND_HALF_UP)
    total = metal_cost + making + basis.finish
    return Quote(basis.volume_mm3, weight, metal_cost, making, basis.finish, total)


FORMULAS: Mapping[int, Callable[[Basis], Quote]] = MappingProxyType({1: _by_volume})
"""All formulas that any kept price was calculated by."""
