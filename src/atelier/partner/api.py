"""The partner API, version 1: orders."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Header, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from atelier.data.shop import Order, Partner
from atelier.domain import lifecycle
from atelier.domain.lifecycle import Owner, State
from atelier.partner import intake, pieces
from atelier.partner.access import KnownPartner
from atelier.partner.documents import (
    Confirmation,
    OrderDocument,
    OrdersPage,
    accepted_document,
    order_document,
)
from atelier.partner.problems import (
    ADDRESS_FIXED,
    NO_KEY,
    NOT_JSON,
    TOO_MUCH_TEXT,
    WRONG_ADDRESS,
    WRONG_CHANGE,
    WRONG_CONFIRMATION,
    WRONG_ORDER,
    WRONG_PAGE,
    answered,
    problems,
)
from atelier.usecases import delivery, orders, sent_back
from atelier.web.address_form import sent_address
from atelier.web.bodies import json_body, read_json
from atelier.web.documents import EXAMPLE_ADDRESS, DeliveryAddress
from atelier.web.paging import page_of
from atelier.web.scope import connections_of

Limit = Annotated[int, Query(ge=1, le=100, description="How many at most on a page.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=200,
        description="Where the page begins, from `next` of the page before it; without it, the "
        "first page is answered.",
    ),
]

# Described by hand: a request without it is refused in words of ours.
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "1 to 255 visible ASCII characters, unique for this request. Within 24 hours, "
    "repeating a request with its key gives the same answer and does nothing more; after that, "
    "the key is free again.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
_LOCATION: Final = {"description": "Where the order is found.", "schema": {"type": "string"}}
_REPLAYED: Final = {
    "description": "`true` when this is the answer to an earlier, equal request.",
    "schema": {"type": "string"},
}
LINK: Final = {
    "description": 'The next page, as `<…>; rel="next"`, if there is one.',
    "schema": {"type": "string"},
}

router = APIRouter(prefix="/api/v1/orders", tags=["Orders"])


@router.post(
    "",
    status_code=202,
    summary="Place an order",
    openapi_extra={**pieces.body(with_reference=True), "parameters": [_KEY]},
    responses={
        202: answered(
            "Accepted. The price is being calculated; ask for the order to see it.",
            **{"Location": _LOCATION, "Idempotent-Replayed": _REPLAYED},
        ),
        **problems(413, 415, 422, instead={400: NO_KEY, 422: WRONG_ORDER}),
    },
)
async def place_order(
    request: Request,
    response: Response,
    partner: KnownPartner,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> OrderDocument:
    """Takes a model and orders it in a metal and a finish.

    Whether the file is a complete STL model is known at once. Whether it is a solid that can be
    cast is known when it has been measured: if not, the order ends in the state `PRICING_FAILED`
    and `failure` says why.
    """
    key = intake.checked_key(idempotency_key)
    piece = await pieces.read_piece(request)
    taken = await intake.take_in(
        connections_of(request).shop,
        intake.Request(
            partner.id, key, piece.model, piece.metal, piece.finish, piece.reference or None
        ),
    )
    document = _accepted(response, taken, piece)
    response.headers["Location"] = document.links.order
    return document


@router.get(
    "",
    summary="List your orders",
    responses={
        200: answered("A page of your orders.", Link=LINK),
        **problems(422, instead={422: WRONG_PAGE}),
    },
)
async def list_orders(
    request: Request,
    response: Response,
    partner: KnownPartner,
    state: Annotated[
        State | None, Query(description="Only orders in this state; without it, in any.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> OrdersPage:
    """Your orders, newest first, by the page.

    Follow `next` until it is null: every order that was there when you began comes once, whatever
    is ordered meanwhile.
    """
    query = sa.select(Order).where(Order.partner_id == partner.id)
    if state is not None:
        query = query.where(Order.state == state)
    async with connections_of(request).shop.session() as session:
        found = await page_of(
            session, query, Order.created_at, Order.id, cursor=cursor, limit=limit
        )
        why = await sent_back.reasons(session, found.rows)
    return OrdersPage(
        orders=[order_document(order, why.get(order.id)) for order in found.rows],
        next=next_page(request, response, found.next),
    )


@router.get(
    "/{order_id}",
    summary="See an order",
    responses={200: answered("The order."), **problems(404, 422)},
)
async def see_order(request: Request, partner: KnownPartner, order_id: UUID) -> OrderDocument:
    """The order as it is now."""
    async with connections_of(request).shop.session() as session:
        order = await _own(session, partner, order_id)
        return order_document(order, (await sent_back.reasons(session, [order])).get(order.id))


@router.post(
    "/{order_id}/confirm",
    summary="Confirm an order",
    openapi_extra=json_body(Confirmation, {"address": EXAMPLE_ADDRESS}),
    responses={
        200: answered("Confirmed."),
        **problems(
            404,
            409,
            413,
            415,
            422,
            instead={413: TOO_MUCH_TEXT, 415: NOT_JSON, 422: WRONG_CONFIRMATION},
        ),
    },
)
async def confirm_order(request: Request, partner: KnownPartner, order_id: UUID) -> OrderDocument:
    """Orders the piece at the price that was calculated, to be sent to the address that you give.

    Until the workshop has begun, you can change the address.
    """
    async with connections_of(request).shop.session() as session:
        await _own(session, partner, order_id)
    address = sent_address((await read_json(request, Confirmation)).address)
    async with connections_of(request).shop.session() as session:
        moved = await delivery.confirm(
            session, order_id, address, owner=Owner.PARTNER, actor=_actor(partner)
        )
        return order_document(moved)


@router.put(
    "/{order_id}/address",
    summary="Change the address",
    openapi_extra=json_body(DeliveryAddress, EXAMPLE_ADDRESS),
    responses={
        200: answered("The order, to be sent there."),
        **problems(
            404,
            409,
            413,
            415,
            422,
            instead={409: ADDRESS_FIXED, 413: TOO_MUCH_TEXT, 415: NOT_JSON, 422: WRONG_ADDRESS},
        ),
    },
)
async def change_address(request: Request, partner: KnownPartner, order_id: UUID) -> OrderDocument:
    """Has the piece sent to another address, from your confirmation on until the workshop has
    begun.

    After that, write to us: our sales desk can change it until the piece is shipped. Sending the
    same address again changes nothing.
    """
    async with connections_of(request).shop.session() as session:
        await _own(session, partner, order_id)
    address = sent_address(await read_json(request, DeliveryAddress), "")
    async with connections_of(request).shop.session() as session:
        changed = await delivery.change_address(
            session, order_id, address, owner=Owner.PARTNER, actor=_actor(partner)
        )
        return order_document(changed)


@router.put(
    "/{order_id}/model",
    status_code=202,
    summary="Send another model",
    openapi_extra={**pieces.body_of_changes(), "parameters": [_KEY]},
    responses={
        202: answered(
            "Accepted. The price is being calculated anew; ask for the order to see it.",
            **{"Idempotent-Replayed": _REPLAYED},
        ),
        **problems(404, 409, 413, 415, 422, instead={400: NO_KEY, 422: WRONG_CHANGE}),
    },
)
async def replace_model(
    request: Request,
    response: Response,
    partner: KnownPartner,
    order_id: UUID,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> OrderDocument:
    """Takes another model in place of the one before, in the same order: as long as its price is
    not confirmed, or when no price was possible.

    So an order that our sales desk has sent back goes on: `sent_back` says why. The price of the
    model before is gone. Metal and finish stay, unless you send others.
    """
    shop = connections_of(request).shop
    async with shop.session() as session:
        order = await _own(session, partner, order_id)
        key = intake.checked_key(idempotency_key)
        # Nobody should send a file that is then refused; attaching asks again, locked.
        if not await intake.is_used(session, partner.id, key):
            lifecycle.check(order.state, State.FILE_UPLOADED, Owner.PARTNER)
    piece = await pieces.read_piece(request, whole=False)
    taken = await intake.replace_model(
        shop,
        intake.Replacement(partner.id, key, order_id, piece.model, piece.metal, piece.finish),
    )
    return _accepted(response, taken, piece)


@router.post(
    "/{order_id}/cancel",
    summary="Cancel an order",
    responses={200: answered("Cancelled, or asked of the workshop."), **problems(404, 409, 422)},
)
async def cancel_order(request: Request, partner: KnownPartner, order_id: UUID) -> OrderDocument:
    """Cancels at once, as long as the order is not approved for manufacturing.

    After that the workshop is asked whether it has begun: `cancellation_requested` is true until it
    answers, and then the order is `CANCELLED` or goes on.
    """
    async with connections_of(request).shop.session() as session:
        order = await _own(session, partner, order_id)
        cancelled = await orders.cancel(
            session, order.id, owner=Owner.PARTNER, actor=_actor(partner)
        )
        return order_document(cancelled)


def next_page(request: Request, response: Response, cursor: str | None) -> str | None:
    """The address of the page at `cursor` of the list that was asked for; `response` links it."""
    if cursor is None:
        return None
    url = request.url.include_query_params(cursor=cursor)
    address = f"{url.path}?{url.query}"
    response.headers["Link"] = f'<{address}>; rel="next"'
    return address


def _accepted(response: Response, taken: intake.Intake, piece: pieces.Piece) -> OrderDocument:
    if taken.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return accepted_document(taken.order, taken.submitted, piece.metal, piece.finish)


def _actor(partner: Partner) -> str:
    return f"partner:{partner.id}"


async def _own(session: AsyncSession, partner: Partner, order_id: UUID) -> Order:
    order = await session.scalar(
        sa.select(Order).where(Order.id == order_id, Order.partner_id == partner.id)
    )
    if order is None:
        raise orders.OrderNotFound(order_id)
    return order
