"""Letters to customers that no mail server would take: what there is, and another try for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.shop import Email, Order


@dataclass(frozen=True)
class ParkedLetter:
    """`reason` is what the mail server said last; to whom it was is nobody's business here."""

    id: UUID
    order: str
    kind: str
    attempts: int
    reason: str
    parked_at: datetime

    def to_dict(self) -> dict[str, object]:
        """As JSON can hold it."""
        return {**vars(self), "id": str(self.id), "parked_at": self.parked_at.isoformat()}


async def parked(session: AsyncSession) -> Sequence[ParkedLetter]:
    """Oldest first."""
    query = (
        sa.select(Email, Order.number)
        .outerjoin(Order, Order.id == Email.order_id)
        .where(Email.parked_at.is_not(None))
        .order_by(Email.parked_at)
    )
    return [
        ParkedLetter(
            each.id, number or "", each.kind, each.attempts, each.fault or "", each.parked_at
        )
        for each, number in await session.execute(query)
        if each.parked_at is not None
    ]


async def again(session: AsyncSession, ids: Collection[UUID] | None) -> set[UUID]:
    """Let these letters, or all that are parked, be sent as if they were new; the ids of those
    that were."""
    chosen = (
        sa.update(Email)
        .where(Email.parked_at.is_not(None))
        .values(parked_at=None, fault=None, attempts=0, due_at=now())
        .returning(Email.id)
    )
    if ids is not None:
        chosen = chosen.where(Email.id.in_(ids))
    return set(await session.scalars(chosen))
