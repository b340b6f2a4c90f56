"""A message in a column, to be told later in the language of whoever reads it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from atelier.languages import LazyText
from atelier.languages.keeping import from_dict_or_none, to_dict


class MessageColumn(TypeDecorator[LazyText]):
    """JSONB that is a `LazyText` in Python; None for what cannot be told."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: LazyText | None, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else to_dict(value)

    def process_result_value(self, value: object, dialect: Dialect) -> LazyText | None:
        return None if value is None else from_dict_or_none(value)
