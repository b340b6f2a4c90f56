"""A ring's design as a dictionary that is JSON: in a column, in an event, in an API's document.

>>> to_dict(RingDesign(engraving="Always"))["engraving"], to_dict(RingDesign())["stone"]
('Always', None)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from atelier.domain.ring_design import RingDesign, Seat

_DESIGN: Final = TypeAdapter(RingDesign)


def to_dict(design: RingDesign) -> dict[str, Any]:
    """Lengths are strings. What a ring does not have is None: `stone` without a seat, `engraving`
    and its `place` without a text."""
    content: dict[str, Any] = _DESIGN.dump_python(design, mode="json")
    if design.seat is Seat.NONE:
        content["stone"] = None
    if not design.engraving:
        content["engraving"] = content["place"] = None
    return content


def from_dict(content: Mapping[str, Any]) -> RingDesign:
    """The reverse of `to_dict`. Raises ValueError, which does not repeat what was engraved."""
    given = {name: value for name, value in content.items() if value is not None}
    try:
        design = _DESIGN.validate_python(given)
    except ValidationError as error:
        raise _malformed(str(each["loc"][0]) for each in error.errors()) from None
    # The constructor's defaults are no part of somebody's order.
    needed = {name for name, value in to_dict(design).items() if value or name not in content}
    if missing := needed - given.keys():
        raise _malformed(missing)
    return design


def _malformed(names: Iterable[str]) -> ValueError:
    return ValueError(f"no design of a ring, by its {', '.join(sorted(set(names)))}")


class DesignColumn(TypeDecorator[RingDesign]):
    """JSONB that is a `RingDesign` in Python."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(
        self, value: RingDesign | None, dialect: Dialect
    ) -> dict[str, Any] | None:
        return None if value is None else to_dict(value)

    def process_result_value(
        self, value: Mapping[str, Any] | None, dialect: Dialect
    ) -> RingDesign | None:
        return None if value is None else from_dict(value)
