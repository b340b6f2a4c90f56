"""How a piece can be finished: what a finish is called, and what the work on it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from atelier.languages import LazyText
from atelier.languages import gettext_lazy as _


@dataclass(frozen=True)
class Finish:
    """`code` is how programs write it, `name` how people read it."""

    code: str
    name: LazyText
    cost: Decimal
    """EUR for a piece, hallmark included"""


_OFFERED = (
    Finish("polished", _("Polished"), Decimal("18.00")),
    Finish("satin", _("Satin"), Decimal("21.00")),
    Finish("sandblasted", _("Sandblasted"), Decimal("24.00")),
    Finish("hammered", _("Hammered"), Decimal("36.00")),
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
        return str(
            _(
                "We do not offer the finish “%(finish)s”. Please choose one of: %(finishes)s.",
                finish=self.code,
                finishes=", ".join(FINISHES),
            )
        )


def finish(code: str) -> Finish:
    """The finish of this code. Raises UnknownFinish."""
    try:
        return FINISHES[code]
    except KeyError:
        raise UnknownFinish(code) from None
