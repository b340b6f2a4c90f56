"""The MES's work as JSON."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from atelier.data.mes import Calculation, WorkOrder
from atelier.domain.lifecycle import State
from atelier.mes import service
from atelier.web.documents import (
    CURRENCY,
    DeliveryAddress,
    Design,
    Step,
    delivery_address,
    design,
    step,
)
from atelier.web.model_view import model_routes

router = APIRouter(prefix="/api/work")
router.include_router(model_routes("/{number}", service.model))


class Summary(BaseModel):
    """A work order in the list. `operator` is the name of who took it; `design` is null for a model
    that was uploaded."""

    id: UUID
    number: str
    state: State
    source: str
    metal: str
    finish: str
    model_name: str
    model_checksum: str
    design: Design | None
    price: Decimal | None
    currency: str
    operator: str | None
    promised_at: datetime | None
    tracking_number: str | None
    sequence: int
    created_at: datetime
    updated_at: datetime


class Measures(BaseModel):
    """What pricing found: measures of the model and the price's parts, or why there is no price."""

    triangles: int | None
    volume_mm3: Decimal | None
    weight_g: Decimal | None
    metal_cost: Decimal | None
    making: Decimal | None
    finish: Decimal | None
    total: Decimal | None
    failure_code: str | None
    failure: str | None
    calculated_at: datetime


class Detail(Summary):
    """A work order with its calculation and its history, oldest first. `address` is null until the
    order is approved, and where nobody has given one: then it cannot be shipped."""

    address: DeliveryAddress | None
    calculation: Measures | None
    history: list[Step]


class Shipment(BaseModel):
    """What to ship takes."""

    tracking_number: str


class Listed(BaseModel):
    """A page of the active work, newest first; `next` is the cursor of the next one."""

    work: list[Summary]
    next: str | None


@router.get("")
async def list_work(
    request: Request,
    _: service.SignedIn,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Listed:
    """All that is not finished for good, from what waits for a price to what is on its way.

    By the page, for programs; people's page has the whole list.
    """
    found = await service.listed(request, cursor)
    return Listed(work=[_summary(each) for each in found.rows], next=found.next)


@router.get("/{number}")
async def look_up(request: Request, _: service.SignedIn, number: str) -> Detail:
    """One piece, in whatever state."""
    job = await service.look_up(request, number)
    return Detail(
        **_summary(job.work).model_dump(),
        address=delivery_address(job.work.address),
        calculation=None if job.calculation is None else _measures(job.calculation),
        history=[step(entry, job.names) for entry in job.history],
    )


@router.post("/{number}/{act}")
async def act(
    request: Request,
    operator: service.SignedIn,
    number: str,
    act: service.Act,
    shipment: Shipment | None = None,
) -> Detail:
    """Takes, completes, packs or ships a piece; the answer shows it as it is then."""
    tracking_number = "" if shipment is None else shipment.tracking_number
    await service.act(request, operator, number, act, tracking_number)
    return await look_up(request, operator, number)


def _summary(work: WorkOrder) -> Summary:
    return Summary(
        id=work.order_id,
        number=work.number,
        state=work.state,
        source=work.source,
        metal=work.metal,
        finish=work.finish,
        model_name=work.model_name,
        model_checksum=work.model_checksum,
        design=design(work.design),
        price=work.price,
        currency=CURRENCY,
        operator=work.operator.name if work.operator else None,
        promised_at=work.promised_at,
        tracking_number=work.tracking_number,
        sequence=work.sequence,
        created_at=work.created_at,
        updated_at=work.updated_at,
    )


def _measures(calculation: Calculation) -> Measures:
    return Measures.model_validate(calculation, from_attributes=True)
