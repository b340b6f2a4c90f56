"""How a piece can be finished: what a finish is called, and what the work on it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Finish:
    """`code` is how programs write it, `name` how people read it."""

    code: str
    name: str
    cost: Decimal
    """EUR for a piece, hallmark included"""


_OFFERED = (
    Finish("polished", "Polished", Decimal("18.00")),
    Finish("satin", "Satin", Decimal("21.00")),
    Finish("sandblasted", "Sandblasted", Decimal("24.00")),
    Finish("hammered", "Hammered", Decimal("36.00")),
)

FINISHES: Mapping[str, Finish] = MappingProxyType({finish.code: finish for finish in _OFFERED})
"""By code, in the order in which customers see them."""

USUAL: Final = "polished"
"""The code of the finish that whoever does not say gets."""


class UnknownFinish(Exception):
    """There is no finish of this code; the text lists those that there are."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        offered = ", ".join(FINISHES)
        return f"We do not offer the finish “{self.code}”. Please choose one of: {offered}."


def finish(code: str) -> Finish:
    """The finish of this code. Raises UnknownFinish."""
    try:
        return FINISHES[code]
    except KeyError:
        raise UnknownFinish(code) from None
