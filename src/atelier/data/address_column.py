"""A delivery address as a dictionary that is JSON: in a column, in an event, in an API's document.

>>> from_dict({"recipient": "Anna", "line1": "Am Markt 1", "city": "Leipzig", "country": "DE"}).city
'Leipzig'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from atelier.domain.delivery import Address

_PARTS: Final = frozenset(field.name for field in fields(Address))
_NEEDED: Final = ("recipient", "line1", "country")


def to_dict(address: Address) -> dict[str, str | None]:
    """By part; what was left out is None."""
    return asdict(address)


def from_dict(content: Mapping[str, Any]) -> Address:
    """The reverse of `to_dict`; what a later version adds is left out.

    Raises ValueError, which does not repeat the address. What countries ask for is not asked again:
    it was right when it was given.
    """
    known = {part: value for part, value in content.items() if part in _PARTS}
    wrong = sorted(
        {part for part, value in known.items() if not isinstance(value, str | None)}
        | {part for part in _NEEDED if not known.get(part)}
    )
    if wrong:
        raise ValueError(f"no delivery address, by its {', '.join(wrong)}")
    return Address(**known)


class AddressColumn(TypeDecorator[Address]):
    """JSONB that is an `Address` in Python."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(
        self, value: Address | None, dialect: Dialect
    ) -> dict[str, str | None] | None:
        return None if value is None else to_dict(value)

    def process_result_value(
        self, value: Mapping[str, Any] | None, dialect: Dialect
    ) -> Address | None:
        return None if value is None else from_dict(value)
