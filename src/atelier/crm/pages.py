"""What a seller sees: the searches, what needs attention, and each order with what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from atelier.crm import search, service
from atelier.crm.search import Wanted
from atelier.data.shop import Order, Seller
from atelier.domain import delivery
from atelier.domain.delivery import BadDelivery
from atelier.domain.lifecycle import Owner, State
from atelier.languages import gettext_lazy
from atelier.web import order_progress
from atelier.web.address_form import INCOMPLETE, typed_address
from atelier.web.forms import form, text
from atelier.web.live import without_news
from atelier.web.model_view import model_routes
from atelier.web.refusal import UNDERSTOOD, Refusal, page, refusal_of
from atelier.web.sessions import see_other
from atelier.web.sign_in import sign_in_routes

router = sign_in_routes(
    Seller,
    lambda connections: connections.shop,
    welcome=gettext_lazy("The sales desk, for colleagues only."),
)


_SENT_BACK = "SENT_BACK"


async def _menu(request: Request, _: service.SignedIn) -> None:
    """What the menu of every page tells: how many orders need attention."""
    known: service.AttentionCount = request.app.state.attention
    if request.method == "GET":
        request.state.attention = await known.known(request)


_signed_in = APIRouter(dependencies=[Depends(_menu)])


@router.get("/")
async def start_page() -> Response:
    """Leads to the list of orders."""
    return see_other("/orders")


@_signed_in.get("/orders")
async def orders_page(
    request: Request,
    _: service.SignedIn,
    q: str = "",
    state: str = "",
    partner: str = "",
    overdue: str = "",
    cursor: str | None = None,
) -> Response:
    """The search and what it found; a form sends its empty fields, too."""
    refusal, found = None, service.FoundOrders([], None, {})
    chosen, sent_back = _state(state)
    wanted = Wanted(q.strip(), chosen, None, _id(partner), bool(overdue), sent_back)
    try:
        found = await service.find_orders(request, wanted, cursor)
    except Refusal as error:
        refusal = error
    asked = {"q": q, "state": state, "partner": partner, "overdue": overdue}
    shown = page(
        request,
        "orders.html",
        refusal=refusal,
        wanted=wanted,
        orders=found.rows,
        sent_back=found.sent_back,
        more=_more("/orders", asked, found.next),
        continued=cursor is not None,
        partners=await service.partners(request),
        states=[state for state in State if state is not State.INITIATED],
        shortest=search.SHORTEST,
    )
    if "hx-request" in request.headers:
        # A choice that was made in the open page: htmx shows what is answered with 200 only.
        shown.status_code = 200
    return shown


@_signed_in.get("/customers")
async def customers_page(
    request: Request, _: service.SignedIn, q: str = "", cursor: str | None = None
) -> Response:
    """The search for customers and what it found."""
    refusal, rows, following = None, [], None
    try:
        found = await service.find_customers(request, q, cursor)
        rows, following = list(found.rows), found.next
    except Refusal as error:
        refusal = error
    return page(
        request,
        "customers.html",
        refusal=refusal,
        q=q.strip(),
        customers=rows,
        more=_more("/customers", {"q": q}, following),
        continued=cursor is not None,
        shortest=search.SHORTEST,
    )


@_signed_in.get("/customers/{customer_id}")
async def customer_page(
    request: Request, _: service.SignedIn, customer_id: UUID, cursor: str | None = None
) -> Response:
    """One customer with their orders."""
    customer = await service.customer(request, customer_id)
    found = await service.find_orders(request, Wanted(customer=customer.id), cursor)
    return page(
        request,
        "customer.html",
        customer=customer,
        orders=found.rows,
        sent_back=found.sent_back,
        more=_more(f"/customers/{customer.id}", {}, found.next),
    )


@_signed_in.get("/attention")
async def attention_page(request: Request, _: service.SignedIn) -> Response:
    """Orders that are overdue or stand still, and why."""
    return page(request, "attention.html", attention=await service.needs_attention(request))


@_signed_in.get("/orders/{number}")
async def order_page(
    request: Request, _: service.SignedIn, number: str, seen: str = ""
) -> Response:
    """One order; htmx looks for news with the version `seen` and gets 204 for none."""
    details = await service.look_up(request, number)
    return without_news(seen, _version(details.order)) or _order_page(request, details)


@_signed_in.post("/orders/{number}/notes")
async def write_note(request: Request, seller: service.SignedIn, number: str) -> Response:
    """Writes down the text `note`."""
    async with form(request) as fields:
        note = text(fields, "note")
    try:
        await service.note(request, seller, number, note)
    except UNDERSTOOD as error:
        details = await service.look_up(request, number)
        return _order_page(request, details, refusal_of(error), {"note": note})
    return see_other(f"/orders/{number}#notes")


@_signed_in.post("/orders/{number}/address")
async def change_address(request: Request, seller: service.SignedIn, number: str) -> Response:
    """Has the piece sent to the address in the form."""
    async with form(request) as fields:
        typed = typed_address(fields)
    refusal, told = INCOMPLETE, {"address_typed": typed}
    try:
        await service.change_address(request, seller, number, lambda: delivery.checked(**typed))
    except BadDelivery as error:
        told["address_faults"] = {part: str(fault) for part, fault in error.faults.items()}
    except UNDERSTOOD as error:
        refusal = refusal_of(error)
    else:
        return see_other(f"/orders/{number}")
    return _order_page(request, await service.look_up(request, number), refusal, address=told)


@_signed_in.post("/orders/{number}/{act}")
async def act(
    request: Request, seller: service.SignedIn, number: str, act: service.Act
) -> Response:
    """Moves an order on; what needs a reason finds it in the field `reason`."""
    async with form(request) as fields:
        reason = text(fields, "reason")
    try:
        await service.act(request, seller, number, act, reason)
    except UNDERSTOOD as error:
        details = await service.look_up(request, number)
        return _order_page(request, details, refusal_of(error), {act.replace("-", "_"): reason})
    return see_other(f"/orders/{number}")


def _order_page(
    request: Request,
    details: service.OrderDetails,
    refusal: Refusal | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    address: Mapping[str, dict[str, str]] | None = None,
) -> Response:
    """`typed` is what was written into a form that was refused, `address` the same of the address
    and its faults."""
    reached = [(entry.to_state, entry.occurred_at) for entry in details.history]
    order = details.order
    delivered = {
        "address_typed": delivery.parts(order.address) if order.address else {},
        "address_faults": {},
        "address_changes": delivery.may_change(order.state, Owner.SELLER, order.address),
        **(address or {}),
    }
    return page(
        request,
        "order_page.html",
        refusal=refusal,
        order=details.order,
        version=_version(details.order),
        history=details.history,
        names=details.names,
        notes=details.notes,
        concerns=details.concerns,
        possible=details.possible,
        typed=typed or {},
        sent_back=details.sent_back,
        steps=order_progress.steps(reached, [entry.reason for entry in details.history]),
        interval=order_progress.poll_interval(details.order.state),
        longest_reason=service.LONGEST_REASON,
        longest_note=service.LONGEST_NOTE,
        **delivered,
    )


def _version(order: Order) -> str:
    # A cancellation that the factory was asked for, or refused, is no step.
    return f"{order.submission}.{order.sequence}.{order.updated_at.timestamp():.0f}"


def _more(path: str, asked: dict[str, str], cursor: str | None) -> str | None:
    """The address of the next page; None on the last one."""
    if cursor is None:
        return None
    query: dict[str, Any] = {name: value for name, value in asked.items() if value}
    return f"{path}?{urlencode({**query, 'cursor': cursor})}"


def _state(name: str) -> tuple[State | None, bool | None]:
    """What the list of states offers: a price that is sent back has a line of its own there."""
    if name == _SENT_BACK:
        return State.PRICE_CALCULATED, True
    state = State(name) if name in State.__members__ else None
    return state, False if state is State.PRICE_CALCULATED else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


router.include_router(_signed_in)
router.include_router(model_routes("/orders/{number}", service.model))
