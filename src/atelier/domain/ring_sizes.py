"""Ring sizes: ours are European, the inner circumference in millimetres; others know other names.

>>> ring_size(54)
RingSize(eu=54, uk='N', us='6¾')
>>> round(ring_size(54).diameter_mm, 1)
17.2
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

EU_SIZES: Final = range(44, 71)

_UK_A_MM: Final = 37.8
_UK_LETTER_MM: Final = 1.25
_US_ZERO_MM: Final = 36.5
_US_NUMBER_MM: Final = 2.55
_QUARTERS: Final = ("", "¼", "½", "¾")


@dataclass(frozen=True)
class RingSize:
    """One size under its three names, the British and American ones to the nearest that exists."""

    eu: int
    uk: str
    us: str

    @property
    def diameter_mm(self) -> float:
        """The inner diameter."""
        return self.eu / math.pi


def ring_size(eu: int) -> RingSize:
    """The size of this inner circumference in mm."""
    return RingSize(eu, _british(eu), _american(eu))


def _british(eu: int) -> str:
    letters, half = divmod(round((eu - _UK_A_MM) / _UK_LETTER_MM * 2), 2)
    name = chr(ord("A") + letters) if letters < 26 else f"Z+{letters - 25}"
    return name + "½" * half


def _american(eu: int) -> str:
    number, quarter = divmod(round((eu - _US_ZERO_MM) / _US_NUMBER_MM * 4), 4)
    return f"{number}{_QUARTERS[quarter]}"
