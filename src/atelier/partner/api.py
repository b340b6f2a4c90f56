"""The partner API, version 1."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Header, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from starlette.requests import Request

from atelier import orders
from atelier.data.shop import Order, Partner
from atelier.domain.lifecycle import Owner, State
from atelier.domain.metals import METALS, metal
from atelier.files import StoredModel
from atelier.partner import intake
from atelier.partner.access import KnownPartner
from atelier.partner.documents import (
    PLACING_422,
    OrderDocument,
    accepted_document,
    order_document,
    problems,
)
from atelier.web.forms import form, text
from atelier.web.refusal import Refusal
from atelier.web.scope import resources_of

_LONGEST_REFERENCE: Final = 200

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["model", "metal"],
                    "properties": {
                        "model": {
                            "type": "string",
                            "format": "binary",
                            "description": "The 3D model: a closed surface in millimetres, as "
                            "binary or ASCII STL.",
                        },
                        "metal": {"type": "string", "enum": list(METALS)},
                        "reference": {
                            "type": "string",
                            "maxLength": _LONGEST_REFERENCE,
                            "description": "Your own reference, given back with the order.",
                        },
                    },
                },
            }
        },
    }
}

_LOCATION: Final = {"description": "Where the order is found.", "schema": {"type": "string"}}
_REPLAYED: Final = {
    "description": "`true` when this is the answer to an earlier, equal request.",
    "schema": {"type": "string"},
}

router = APIRouter(prefix="/api/v1/orders", tags=["Orders"])


@router.post(
    "",
    status_code=202,
    summary="Place an order",
    openapi_extra=_BODY,
    responses={
        202: {
            "description": "Accepted. The price is being calculated; ask for the order to see it.",
            "headers": {"Location": _LOCATION, "Idempotent-Replayed": _REPLAYED},
        },
        **problems(400, 401, 413, 415, 422, instead={422: PLACING_422}),
    },
)
async def place_order(
    request: Request,
    response: Response,
    partner: KnownPartner,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Required: 1 to 255 visible ASCII characters, unique for this order. "
            "Repeating a request with its key gives the same answer and orders nothing more."
        ),
    ] = None,
) -> OrderDocument:
    """Takes a model and orders it in a metal.

    Whether the file is a complete STL model is known at once. Whether it is a solid that can be
    cast is known when it has been measured: if not, the order ends in the state `PRICING_FAILED`
    and `failure` says why.
    """
    key = intake.checked_key(idempotency_key)
    if request.headers.get("content-type", "").partition(";")[0].lower() != "multipart/form-data":
        raise Refusal(
            415,
            "unsupported-media-type",
            "Not a multipart form",
            "Send the order as multipart/form-data with the fields model, metal and reference.",
        )
    model, metal_code, reference = await _content(request)
    taken = await intake.take_in(
        resources_of(request).shop,
        intake.Request(partner.id, key, model, metal_code, reference or None),
    )
    document = accepted_document(taken.order, taken.first)
    response.headers["Location"] = document.links.order
    if taken.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return document


@router.get("/{order_id}", summary="See an order", responses=problems(401, 404, 422))
async def see_order(request: Request, partner: KnownPartner, order_id: UUID) -> OrderDocument:
    """The order as it is now."""
    async with resources_of(request).shop.session() as session:
        return order_document(await _own(session, partner, order_id))


@router.post(
    "/{order_id}/confirm", summary="Confirm an order", responses=problems(401, 404, 409, 422)
)
async def confirm_order(request: Request, partner: KnownPartner, order_id: UUID) -> OrderDocument:
    """Orders the piece at the price that was calculated."""
    async with resources_of(request).shop.session() as session:
        order = await _own(session, partner, order_id)
        moved = await orders.move(
            session,
            order.id,
            State.CONFIRMED,
            owner=Owner.PARTNER,
            actor=f"partner:{partner.id}",
        )
        return order_document(moved)


async def _own(session: AsyncSession, partner: Partner, order_id: UUID) -> Order:
    order = await session.scalar(
        sa.select(Order).where(Order.id == order_id, Order.partner_id == partner.id)
    )
    if order is None:
        raise orders.OrderNotFound(order_id)
    return order


async def _content(request: Request) -> tuple[StoredModel, str, str]:
    resources = resources_of(request)
    limit = resources.settings.upload_limit
    async with form(request, file_limit=limit) as fields:
        model, metal_code = fields.get("model"), text(fields, "metal")
        reference = text(fields, "reference")
        faults = {}
        if not isinstance(model, UploadFile):
            faults["model"] = "an STL file is required"
        if not metal_code:
            faults["metal"] = f"required, one of: {', '.join(METALS)}"
        if len(reference) > _LONGEST_REFERENCE:
            faults["reference"] = f"at most {_LONGEST_REFERENCE} characters"
        if faults or not isinstance(model, UploadFile):
            raise _incomplete(faults)
        # Before the file is kept: nothing is to be left of an order that cannot be.
        metal(metal_code)
        return await resources.files.save(model, limit), metal_code, reference


def _incomplete(faults: dict[str, str]) -> Refusal:
    return Refusal(
        422,
        "invalid-request",
        "Request not valid",
        "; ".join(f"{field}: {fault}" for field, fault in faults.items()) + ".",
        extra={"errors": [{"where": f, "fault": fault} for f, fault in faults.items()]},
    )
