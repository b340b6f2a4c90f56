"""Parts of JSON documents that several services answer with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from atelier.data import address_column, design_column
from atelier.data.mes import WorkOrderHistory
from atelier.data.shop import OrderHistory
from atelier.domain.delivery import LONGEST, Address
from atelier.domain.lifecycle import State
from atelier.domain.ring_design import Place, Profile, RingDesign, Seat, Surface

CURRENCY: Final = "EUR"
EXAMPLE_ADDRESS: Final[dict[str, Any]] = {
    "recipient": "Anna Winter",
    "line1": "Am Markt 1",
    "line2": "Juwelier Winter, 2nd floor",
    "postal_code": "04109",
    "city": "Leipzig",
    "region": None,
    "country": "DE",
    "telephone": "+49 341 123456",
}


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


class DeliveryAddress(BaseModel):
    """Where a piece is sent. Which parts an address has, and what a postal code looks like, depends
    on the country."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [EXAMPLE_ADDRESS]},
    )

    recipient: str = Field(max_length=LONGEST["recipient"], description="Who receives the parcel.")
    line1: str = Field(max_length=LONGEST["line1"], description="Street and number.")
    line2: str | None = Field(
        default=None, max_length=LONGEST["line2"], description="Flat, floor or company."
    )
    postal_code: str | None = Field(
        default=None,
        max_length=LONGEST["postal_code"],
        description="Where the country has postal codes, in the country's form.",
    )
    city: str | None = Field(
        default=None, max_length=LONGEST["city"], description="Wherever addresses have one."
    )
    region: str | None = Field(
        default=None,
        max_length=LONGEST["region"],
        description="State, province or prefecture; needed only where there is no `city`.",
    )
    country: str = Field(
        min_length=2, max_length=2, description="ISO 3166-1 alpha-2, in capital letters."
    )
    telephone: str | None = Field(
        default=None,
        max_length=LONGEST["telephone"],
        description="For the carrier, should nobody open.",
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


def delivery_address(address: Address | None) -> DeliveryAddress | None:
    """The document of an order's address; None while nobody has given one."""
    if address is None:
        return None
    return DeliveryAddress.model_validate(address_column.to_dict(address))


def step(entry: OrderHistory | WorkOrderHistory, names: Mapping[int, str]) -> Step:
    """The document of one row of history; `names` are those of who took the steps, by number."""
    return Step(
        sequence=entry.sequence,
        came_from=entry.from_state,
        to=entry.to_state,
        actor=entry.actor,
        actor_name=names.get(entry.sequence),
        event_id=entry.event_id,
        reason=entry.reason,
        occurred_at=entry.occurred_at,
    )
