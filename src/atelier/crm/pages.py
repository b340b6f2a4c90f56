"""What a seller sees: the search, and each order with what can be done."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from atelier.crm import desk
from atelier.data.shop import Seller
from atelier.web import lifeline
from atelier.web.refusal import UNDERSTOOD, Refusal, page, refusal_of
from atelier.web.sessions import see_other
from atelier.web.sign_in import sign_in_routes

router = sign_in_routes(
    Seller, lambda resources: resources.shop, welcome="The sales desk, for colleagues only."
)
_signed_in = APIRouter()


@_signed_in.get("/")
async def start_page() -> Response:
    """The desk starts with the orders."""
    return see_other("/orders")


@_signed_in.get("/orders")
async def orders_page(request: Request, _: desk.SignedIn, q: str = "") -> Response:
    """The search and what it found."""
    return page(request, "orders.html", q=q, orders=await desk.find(request, q))


@_signed_in.get("/orders/{number}")
async def order_page(request: Request, _: desk.SignedIn, number: str, seen: int = 0) -> Response:
    """One order; htmx looks for news with the sequence number `seen` and gets 204 for none."""
    case = await desk.look_up(request, number)
    if case.order.sequence == seen:
        return Response(status_code=204)
    return _order_page(request, case)


@_signed_in.post("/orders/{number}/{act}")
async def act(
    request: Request, seller: desk.SignedIn, number: str, act: Literal["approve", "close"]
) -> Response:
    """Approves or closes an order."""
    try:
        await desk.act(request, seller, number, act)
    except UNDERSTOOD as error:
        return _order_page(request, await desk.look_up(request, number), refusal_of(error))
    return see_other(f"/orders/{number}")


def _order_page(request: Request, case: desk.Case, refusal: Refusal | None = None) -> Response:
    reached = [(entry.to_state, entry.occurred_at) for entry in case.history]
    return page(
        request,
        "order_page.html",
        refusal=refusal,
        order=case.order,
        history=case.history,
        steps=lifeline.steps(reached),
        interval=lifeline.poll_interval(case.order.state),
    )


router.include_router(_signed_in)
