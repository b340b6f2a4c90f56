"""Estimates: what a piece would cost, for whoever has not ordered it.

The partner API keeps the estimate in the `shop` database and asks by the event
`estimate.requested`; pricing answers with `estimate.calculated` or `estimate.failed`. The events'
`order_id` is the estimate's id.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.shop import Estimate
from atelier.domain.finishes import finish
from atelier.domain.metals import metal
from atelier.languages.keeping import from_dict_or_none
from atelier.messaging import outbox
from atelier.messaging.event import Event
from atelier.messaging.handler import Refused
from atelier.storage.model_store import StoredModel

KEPT_FOR: Final = timedelta(days=1)
_SWEPT_AT_ONCE: Final = 100  # rows
_FIGURES: Final = {
    "price": "price",
    "metal_cost": "metal_cost",
    "making": "making_cost",
    "finish_cost": "finish_cost",
    "volume_mm3": "volume_mm3",
    "weight_g": "weight_g",
}
"""What pricing tells, and the column for it."""


async def ask(
    session: AsyncSession, partner_id: UUID, model: StoredModel, metal_code: str, finish_code: str
) -> Estimate:
    """Have pricing calculate. Estimates of the partner whose day is over are deleted.

    Raises UnknownMetal, UnknownFinish.
    """
    await _sweep(session, partner_id)
    estimate = Estimate(
        partner_id=partner_id,
        metal=metal(metal_code).code,
        finish=finish(finish_code).code,
        model_checksum=model.checksum,
    )
    session.add(estimate)
    await session.flush()
    event = Event(
        type="estimate.requested",
        order_id=estimate.id,
        actor=f"partner:{partner_id}",
        data={
            "model_checksum": estimate.model_checksum,
            "metal": estimate.metal,
            "finish": estimate.finish,
        },
    )
    await outbox.append(session, event)
    return estimate


async def find(session: AsyncSession, partner_id: UUID, estimate_id: UUID) -> Estimate | None:
    """The partner's estimate, unless its day is over."""
    found: Estimate | None = await session.scalar(
        sa.select(Estimate).where(
            Estimate.id == estimate_id,
            Estimate.partner_id == partner_id,
            Estimate.created_at >= now() - KEPT_FOR,
        )
    )
    return found


async def handle(session: AsyncSession, event: Event) -> None:
    """Note what pricing answered. Raises Refused."""
    changes: dict[str, Any]
    match event.type:
        case "estimate.calculated":
            changes = {column: Decimal(event.data[name]) for name, column in _FIGURES.items()}
        case "estimate.failed":
            changes = {
                "failure": event.data["reason"],
                # Services of the version before do not tell it.
                "failure_message": from_dict_or_none(event.data.get("message")),
            }
        case _:
            raise Refused(f"estimates do not know events of type {event.type!r}")
    # Nothing where the estimate has been deleted meanwhile: nobody asks for it any more.
    await session.execute(sa.update(Estimate).where(Estimate.id == event.order_id).values(changes))


async def _sweep(session: AsyncSession, partner_id: UUID) -> None:
    over = sa.select(Estimate.id).where(
        Estimate.partner_id == partner_id, Estimate.created_at < now() - KEPT_FOR
    )
    await session.execute(
        sa.delete(Estimate).where(
            Estimate.id.in_(over.limit(_SWEPT_AT_ONCE).with_for_update(skip_locked=True))
        ),
        execution_options={"synchronize_session": False},
    )
