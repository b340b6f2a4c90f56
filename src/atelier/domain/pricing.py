"""What a piece costs.

    weight = volume ÷ 1000 × density                       g, 3 places (1 cm³ = 1000 mm³)
    metal  = weight × price of a gram                      EUR, 2 places
    making = 45.00 + weight × 6.50                         a heavier piece is more work
    finish = what the chosen finish costs                  per piece, hallmark included
    total  = metal + making + finish

Every line is rounded half up to its places before the next one uses it, so that a customer who
recomputes a quote from the figures on it gets the same cents. Rounding keeps the order of numbers:
a larger volume never costs less.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from atelier.domain.finishes import Finish
from atelier.domain.metals import Metal

_MAKING = Decimal("45.00")
_MAKING_PER_GRAM = Decimal("6.50")

_THOUSANDTH = Decimal("0.001")
_CENT = Decimal("0.01")


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


def quote(volume_mm3: Decimal, metal: Metal, finish: Finish) -> Quote:
    """The price of a piece of this volume, cast in this metal and finished like this.

    Raises ValueError for a volume that is not a positive number.
    """
    if not (volume_mm3.is_finite() and volume_mm3 > 0):
        raise ValueError(f"a piece has a volume above 0 mm³, not {volume_mm3}")
    volume = volume_mm3.quantize(_THOUSANDTH, ROUND_HALF_UP)
    weight = (volume / 1000 * metal.density).quantize(_THOUSANDTH, ROUND_HALF_UP)
    metal_cost = (weight * metal.price_per_gram).quantize(_CENT, ROUND_HALF_UP)
    making = (_MAKING + weight * _MAKING_PER_GRAM).quantize(_CENT, ROUND_HALF_UP)
    total = metal_cost + making + finish.cost
    return Quote(volume, weight, metal_cost, making, finish.cost, total)
