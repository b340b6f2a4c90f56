"""What a customer sees: the start, their orders, and each order on its way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from atelier.clock import now
from atelier.data.shop import Customer, Order
from atelier.domain import delivery as addresses
from atelier.domain import finishes, lifecycle
from atelier.domain.delivery import BadDelivery
from atelier.domain.designs import DESIGNS
from atelier.domain.lifecycle import IllegalTransition, Owner, State, is_sent_back
from atelier.domain.model_advice import advice
from atelier.domain.promises import is_stalled
from atelier.languages import gettext_lazy as _
from atelier.shop import studio, timeline
from atelier.shop.accounts import SignedIn, Visitor
from atelier.shop.catalogue import picture_path
from atelier.shop.new_piece import uploaded_model
from atelier.storage.model_store import StoredModel
from atelier.usecases import delivery, metal_prices, orders, sent_back, unfinished
from atelier.web import order_progress
from atelier.web.address_form import INCOMPLETE, typed_address
from atelier.web.forms import form, text
from atelier.web.live import without_news
from atelier.web.refusal import UNDERSTOOD, Refusal, page, refusal_of
from atelier.web.scope import connections_of
from atelier.web.sessions import see_other

_NO_METAL: Final = Refusal(
    422,
    "metal-missing",
    _("No metal chosen"),
    _("Choose the metal of your piece and ask again."),
)
_OTHER_PIECE: Final = Refusal(
    409,
    "piece-changed",
    _("The piece has been changed"),
    _("You changed it in another window. Look at its price here before you confirm."),
)
_LONGEST_REASON: Final = 500  # characters

router = APIRouter()


@router.get("/")
async def start_page(request: Request, __: Visitor) -> Response:
    """What the shop offers."""
    return page(
        request,
        "start.html",
        gram_prices=await connections_of(request).shop.read(metal_prices.shown),
        first_designs=list(DESIGNS.values())[:3],
        picture_path=picture_path,
    )


@router.get("/orders")
async def orders_page(request: Request, customer: SignedIn) -> Response:
    """The customer's orders, newest first."""
    async with connections_of(request).shop.session() as session:
        found = await orders.of_customer(session, customer.id)
        why = await sent_back.reasons(session, found)
    return page(request, "orders.html", orders=found, sent_back=why)


@router.get("/orders/{number}")
async def order_page(request: Request, customer: SignedIn, number: str) -> Response:
    """One order, with what can be done now."""
    return await _order_page(request, customer, number)


@router.get("/orders/{number}/status")
async def order_status(
    request: Request, customer: SignedIn, number: str, seen: str = ""
) -> Response:
    """The part of the page that changes; 204 while version `seen` is still the newest."""
    context = await _order_context(request, customer, number)
    return without_news(seen, context["version"]) or page(request, "order_live.html", **context)


@router.post("/orders/{number}/model")
async def upload_model(request: Request, customer: SignedIn, number: str) -> Response:
    """Takes the STL file `model`, also in place of one that has its answer already."""

    async def upload() -> StoredModel:
        async with connections_of(request).shop.session() as session:
            order = await _own(session, customer, number)
            # Nobody should wait for an upload that is then refused; attaching asks again, locked.
            lifecycle.check(order.state, State.FILE_UPLOADED, Owner.CUSTOMER)
        return await uploaded_model(request)

    try:
        stored = await upload()
    except UNDERSTOOD as error:
        return await _order_page(request, customer, number, refusal_of(error))
    return await _act(
        request,
        customer,
        number,
        lambda session, order: orders.attach_model(session, order, stored, _actor(customer)),
    )


@router.post("/orders/{number}/submit")
async def submit(request: Request, customer: SignedIn, number: str) -> Response:
    """Asks for the price in the metal `metal` and the finish `finish`.

    What the form does not say is as it was chosen in the constructor, the finish else as usual.
    """
    async with form(request) as fields:
        chosen = text(fields, "metal"), text(fields, "finish")

    async def ask(session: AsyncSession, order: Order) -> None:
        metal, finish = chosen[0] or order.metal, chosen[1] or order.finish or finishes.USUAL
        if not metal:
            raise _NO_METAL
        await orders.submit(session, order, metal, finish, _actor(customer))

    return await _act(request, customer, number, ask)


@router.post("/orders/{number}/confirm")
async def confirm(request: Request, customer: SignedIn, number: str) -> Response:
    """Confirms the order at its price, to be sent to the address in the form; `submission` is the
    one whose price the page has shown."""

    async def act(session: AsyncSession, order: Order, typed: dict[str, str], seen: str) -> None:
        lifecycle.check(order.state, State.CONFIRMED, Owner.CUSTOMER)
        address = addresses.checked(**typed)
        actor = _actor(customer)
        await delivery.confirm(session, order.id, address, owner=Owner.CUSTOMER, actor=actor)
        # Asked for when the order is locked; the step is taken back with the transaction.
        await session.refresh(order, ["submission"])
        if seen and seen != str(order.submission):
            raise _OTHER_PIECE

    return await _act_with_address(request, customer, number, act)


@router.post("/orders/{number}/address")
async def change_address(request: Request, customer: SignedIn, number: str) -> Response:
    """Has the piece sent to the address in the form instead."""

    async def act(session: AsyncSession, order: Order, typed: dict[str, str], _: str) -> None:
        if not addresses.may_change(order.state, Owner.CUSTOMER, order.address):
            raise addresses.AddressFixed(order.state)
        address = addresses.checked(**typed)
        actor = _actor(customer)
        await delivery.change_address(session, order.id, address, owner=Owner.CUSTOMER, actor=actor)

    return await _act_with_address(request, customer, number, act)


@router.get("/orders/{number}/cancel")
async def ask_to_cancel(request: Request, customer: SignedIn, number: str) -> Response:
    """Asks whether the order is to be cancelled, or says that it cannot be."""
    async with connections_of(request).shop.session() as session:
        order = await _own(session, customer, number)
    if not _can_cancel(order):
        return await _order_page(request, customer, number, _too_late(order))
    return page(request, "cancel.html", order=order, longest_reason=_LONGEST_REASON)


@router.post("/orders/{number}/cancel")
async def cancel(request: Request, customer: SignedIn, number: str) -> Response:
    """Cancels the order, or has the workshop asked; `reason` may be empty."""
    async with form(request) as fields:
        reason = text(fields, "reason")[:_LONGEST_REASON]

    async def act(session: AsyncSession, order: Order) -> None:
        try:
            await orders.cancel(
                session,
                order.id,
                owner=Owner.CUSTOMER,
                actor=_actor(customer),
                reason=reason or None,
            )
        except IllegalTransition:
            raise _too_late(order) from None

    return await _act(request, customer, number, act)


def _can_cancel(order: Order) -> bool:
    owners = lifecycle.TRANSITIONS.get((order.state, State.CANCELLED), frozenset())
    return Owner.CUSTOMER in owners and order.cancellation_requested_by is None


def _too_late(order: Order) -> Refusal:
    if order.state is State.CANCELLED:
        return Refusal(
            409,
            "already-cancelled",
            _("Already cancelled"),
            _("There is nothing left to be done."),
        )
    if order.cancellation_requested_by is not None:
        return Refusal(
            409,
            "cancellation-pending",
            _("Asked for already"),
            _("The workshop has yet to answer."),
        )
    return Refusal(
        409,
        "too-late-to-cancel",
        _("Too late to cancel"),
        _("The workshop has begun to make your piece, so the order can no longer be cancelled."),
    )


def _actor(customer: Customer) -> str:
    return f"customer:{customer.id}"


async def _own(session: AsyncSession, customer: Customer, number: str) -> Order:
    order = await orders.by_number(session, number)
    # Somebody else's order is none: its number tells nobody that it exists.
    if order is None or order.customer_id != customer.id:
        raise orders.OrderNotFound(number)
    return order


async def _act(
    request: Request,
    customer: Customer,
    number: str,
    action: Callable[[AsyncSession, Order], Awaitable[object]],
) -> Response:
    try:
        async with connections_of(request).shop.session() as session:
            await action(session, await _own(session, customer, number))
    except UNDERSTOOD as error:
        return await _order_page(request, customer, number, refusal_of(error))
    return see_other(f"/orders/{number}")


async def _act_with_address(
    request: Request,
    customer: Customer,
    number: str,
    action: Callable[[AsyncSession, Order, dict[str, str], str], Awaitable[object]],
) -> Response:
    """What was typed stays in the form if it is refused. `action` is told of the `submission`, too,
    that the page has shown."""
    async with form(request) as fields:
        typed, seen = typed_address(fields), text(fields, "submission")
    try:
        async with connections_of(request).shop.session() as session:
            await action(session, await _own(session, customer, number), typed, seen)
    except BadDelivery as error:
        told = {"typed": typed, "address_faults": error.faults}
        return await _order_page(request, customer, number, INCOMPLETE, **told)
    except UNDERSTOOD as error:
        return await _order_page(request, customer, number, refusal_of(error), typed=typed)
    return see_other(f"/orders/{number}")


async def _order_page(
    request: Request,
    customer: Customer,
    number: str,
    refusal: Refusal | None = None,
    **refused: Any,
) -> Response:
    """`refused` is what was `typed` as an address, and its `address_faults`."""
    context = await _order_context(request, customer, number)
    return page(request, "order_page.html", refusal=refusal, **{**context, **refused})


def _version(order: Order) -> str:
    # Not only steps are news: the workshop may refuse to cancel, and time goes by.
    return f"{order.submission}.{order.sequence}.{order.updated_at.timestamp():.6f}"


async def _order_context(request: Request, customer: Customer, number: str) -> dict[str, Any]:
    connections = connections_of(request)
    async with connections.shop.session() as session:
        order = await _own(session, customer, number)
        address = order.address or await delivery.last_of(session, customer.id)
        history = await orders.history(session, order.id)
        gram_prices = await metal_prices.shown(session)
    late = is_stalled(order.state, order.updated_at, now())
    return {
        "order": order,
        "lines": timeline.lines(history),
        "late": late,
        "version": _version(order) + (".late" if late else ""),
        "interval": order_progress.poll_interval(order.state),
        "sent_back": history[-1] if is_sent_back([each.to_state for each in history]) else None,
        "advice": advice(order.failure_code),
        "cancellable": _can_cancel(order),
        "typed": addresses.parts(address) if address else {"recipient": customer.name},
        "address_faults": {},
        "address_changes": addresses.may_change(order.state, Owner.CUSTOMER, order.address),
        "kept_until": unfinished.kept_until(order, connections.settings.unfinished_days),
        "upload_limit": connections.settings.upload_limit,
        "gram_prices": gram_prices,
        "constructor": studio.path_to(order),
    }
