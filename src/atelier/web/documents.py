"""Parts of JSON documents that several services answer with."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from atelier.data.mes import WorkOrderHistory
from atelier.data.shop import OrderHistory
from atelier.domain.lifecycle import State

CURRENCY: Final = "EUR"


class Step(BaseModel):
    """One step of an order's history."""

    model_config = ConfigDict(serialize_by_alias=True)

    sequence: int
    came_from: State | None = Field(serialization_alias="from")
    to: State
    actor: str
    event_id: UUID
    reason: str | None
    occurred_at: datetime


def step(entry: OrderHistory | WorkOrderHistory) -> Step:
    """The document of one row of history."""
    return Step(
        sequence=entry.sequence,
        came_from=entry.from_state,
        to=entry.to_state,
        actor=entry.actor,
        event_id=entry.event_id,
        reason=entry.reason,
        occurred_at=entry.occurred_at,
    )
