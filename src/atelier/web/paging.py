"""Lists by the page: a cursor says where the next page begins, whatever was added meanwhile."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from atelier.languages import gettext_lazy
from atelier.web.refusal import Refusal

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, newest first, and the cursor of those after them, if there are any."""

    rows: Sequence[Row]
    next: str | None


async def page_of(
    session: AsyncSession,
    query: sa.Select[Row],
    created_at: InstrumentedAttribute[datetime],
    row_id: InstrumentedAttribute[UUID],
    *,
    cursor: str | None,
    limit: int,
) -> Page[Row]:
    """The next `limit` rows of `query` after `cursor`, newest first.

    Raises Refusal (422) for a cursor that we never gave out.
    """
    if cursor is not None:
        query = query.where(sa.tuple_(created_at, row_id) < sa.tuple_(*_read(cursor)))
    query = query.order_by(created_at.desc(), row_id.desc()).limit(limit + 1)
    rows = (await session.scalars(query)).all()
    if len(rows) <= limit:
        return Page(rows, None)
    last = rows[limit - 1]
    following = cursor_of(getattr(last, created_at.key), getattr(last, row_id.key))
    return Page(rows[:limit], following)


def cursor_of(created_at: datetime, row_id: UUID) -> str:
    """Where the rows after this one begin. Opaque: clients give it back and do not read it."""
    content = f"{created_at.isoformat()} {row_id.hex}".encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, UUID]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        moment, _, row_id = base64.b64decode(padded, b"-_", validate=True).decode().partition(" ")
        created_at = datetime.fromisoformat(moment)
        if created_at.tzinfo is None:
            raise ValueError("no time zone")
        return created_at, UUID(row_id)
    except (ValueError, binascii.Error):
        raise Refusal(
            422,
            "cursor-not-valid",
            gettext_lazy("Cursor not valid"),
            gettext_lazy(
                "The cursor is not one that we gave out. "
                "Begin with the first page, without a cursor."
            ),
        ) from None
