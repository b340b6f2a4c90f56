"""Parts of JSON documents that several services answer with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from atelier.data import design_column
from atelier.data.mes import WorkOrderHistory
from atelier.data.shop import OrderHistory
from atelier.domain.lifecycle import State
from atelier.domain.ring_design import Place, Profile, RingDesign, Seat, Surface

CURRENCY: Final = "EUR"


class Design(BaseModel):
    """A ring as it was drawn in the constructor. Lengths are millimetres with one place, as
    strings."""

    size: int = Field(description="The European size: the inner circumference in millimetres.")
    width: Decimal = Field(description="Of the band, along the finger.")
    thickness: Decimal
    profile: Profile = Field(description="The band's cross-section.")
    surface: Surface = Field(description="What is worked into the band's outside.")
    seat: Seat = Field(description="What holds the stone.")
    stone: Decimal | None = Field(
        description="The diameter of the round stone that the seat is for; null without a seat."
    )
    engraving: str | None = Field(
        description="The text, letter by letter; null where there is none."
    )
    place: Place | None = Field(
        description="Where the engraving is, and whether it is cut or raised; null without one."
    )


class Step(BaseModel):
    """One step of an order's history."""

    model_config = ConfigDict(serialize_by_alias=True)

    sequence: int
    came_from: State | None = Field(serialization_alias="from")
    to: State
    actor: str
    actor_name: str | None = Field(description="What the person is called, where that is known.")
    event_id: UUID
    reason: str | None
    occurred_at: datetime


def design(ring: RingDesign | None) -> Design | None:
    """The document of an order's design; None for a model that was uploaded."""
    return None if ring is None else Design.model_validate(design_column.to_dict(ring))


def step(entry: OrderHistory | WorkOrderHistory, names: Mapping[str, str]) -> Step:
    """The document of one row of history; `names` are those of people, by actor."""
    return Step(
        sequence=entry.sequence,
        came_from=entry.from_state,
        to=entry.to_state,
        actor=entry.actor,
        actor_name=names.get(entry.actor),
        event_id=entry.event_id,
        reason=entry.reason,
        occurred_at=entry.occurred_at,
    )
