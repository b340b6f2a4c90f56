"""Operations on orders in the `shop` database, for shop, partner and crm.

All take the session of a running transaction. Every change of state goes through one function,
which locks the order's row, asks the life cycle, and writes state, history and event together.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from atelier.clock import now
from atelier.data import address_column
from atelier.data.shop import Order, OrderHistory
from atelier.domain import finishes, lifecycle, order_numbers
from atelier.domain.finishes import finish
from atelier.domain.lifecycle import FACTORY_STEPS, REPLACED, Owner, State
from atelier.domain.metals import metal
from atelier.domain.promises import promised
from atelier.domain.ring_design import RingDesign
from atelier.languages import gettext_lazy
from atelier.languages.keeping import from_dict_or_none
from atelier.messaging import outbox
from atelier.messaging.event import Event
from atelier.messaging.handler import Refused
from atelier.storage.model_store import StoredModel
from atelier.usecases.due import is_due
from atelier.usecases.order_events import event_of
from atelier.usecases.submissions import begin_another, submission_of


class OrderNotFound(Exception):
    def __init__(self, order: object) -> None:
        super().__init__(gettext_lazy("There is no order %(order)s.", order=order))


@dataclass(frozen=True)
class Drawn:
    """A ring of the constructor, with the codes of the metal and finish that were chosen there."""

    design: RingDesign
    metal: str
    finish: str


async def begin(
    session: AsyncSession, customer_id: UUID, model: StoredModel, drawn: Drawn | None = None
) -> Order:
    """A customer's new order, with the model that was uploaded or made of what they have drawn.

    Raises UnknownMetal, UnknownFinish.
    """
    order = await start(session, customer_id)
    return await attach_model(session, order, model, f"customer:{customer_id}", drawn)


async def start(session: AsyncSession, customer_id: UUID) -> Order:
    """A customer's new, empty order, as only the version before left any behind."""
    order = await _insert(session, customer_id=customer_id)
    actor = f"customer:{customer_id}"
    await _step(session, order, State.INITIATED, owner=Owner.CUSTOMER, actor=actor)
    return order


async def attach_model(
    session: AsyncSession,
    order: Order,
    model: StoredModel,
    actor: str,
    drawn: Drawn | None = None,
    *,
    owner: Owner = Owner.CUSTOMER,
) -> Order:
    """The model that was uploaded, or that was made of what the customer has drawn.

    In place of one that was submitted before it begins another submission: price and measures of
    the one before are gone. Metal and finish stay chosen. Raises IllegalTransition, UnknownMetal,
    UnknownFinish.
    """
    ring: dict[str, Any] = {"design": None}
    if drawn is not None:
        ring = {
            "design": drawn.design,
            "metal": metal(drawn.metal).code,
            "finish": finish(drawn.finish).code,
        }
    return await move(
        session,
        order.id,
        State.FILE_UPLOADED,
        owner=owner,
        actor=actor,
        **ring,
        **_of(model),
    )


async def submit(
    session: AsyncSession,
    order: Order,
    metal_code: str,
    finish_code: str,
    actor: str,
    *,
    owner: Owner = Owner.CUSTOMER,
) -> Order:
    """Ask for a price. Raises UnknownMetal, UnknownFinish, IllegalTransition."""
    return await move(
        session,
        order.id,
        State.SUBMITTED,
        owner=owner,
        actor=actor,
        metal=metal(metal_code).code,
        finish=finish(finish_code).code,
    )


async def place(
    session: AsyncSession,
    partner_id: UUID,
    model: StoredModel,
    metal_code: str,
    finish_code: str = finishes.USUAL,
    reference: str | None = None,
) -> Order:
    """A partner's order, which comes complete. Raises UnknownMetal, UnknownFinish."""
    chosen: dict[str, Any] = {
        "metal": metal(metal_code).code,
        "finish": finish(finish_code).code,
    }
    order = await _insert(session, partner_id=partner_id)
    await _step(
        session,
        order,
        State.SUBMITTED,
        owner=Owner.PARTNER,
        actor=f"partner:{partner_id}",
        reference=reference,
        **chosen,
        **_of(model),
    )
    return order


async def move(
    session: AsyncSession,
    order_id: UUID,
    to: State,
    *,
    owner: Owner,
    actor: str,
    reason: str | None = None,
    **changes: Any,
) -> Order:
    """Take the order one step further; `changes` are columns that change with it.

    Raises OrderNotFound, IllegalTransition.
    """
    order = await _locked(session, order_id)
    await _step(session, order, to, owner=owner, actor=actor, reason=reason, **changes)
    return order


async def send_back(session: AsyncSession, order_id: UUID, *, actor: str, reason: str) -> Order:
    """A seller does not approve: whoever ordered reads why, and confirms again, gives another
    model, or cancels.

    Raises OrderNotFound, IllegalTransition.
    """
    return await move(
        session,
        order_id,
        State.PRICE_CALCULATED,
        owner=Owner.SELLER,
        actor=actor,
        reason=reason,
        promised_at=None,
    )


async def cancel(
    session: AsyncSession, order_id: UUID, *, owner: Owner, actor: str, reason: str | None = None
) -> Order:
    """Cancel now, or ask the factory: once an order is approved, it may have begun there already.

    The factory answers by event. Meanwhile `cancellation_requested_by` is set, and asking again
    changes nothing. Raises OrderNotFound, IllegalTransition.
    """
    order = await _locked(session, order_id)
    lifecycle.check(order.state, State.CANCELLED, owner)
    if order.state is not State.MANUFACTURING_APPROVED:
        await _step(session, order, State.CANCELLED, owner=owner, actor=actor, reason=reason)
    elif order.cancellation_requested_by is None:
        order.cancellation_requested_by = actor
        order.cancellation_reason = reason
        order.updated_at = now()
        await outbox.append(
            session, event_of(order, "cancellation_requested", actor, reason=reason)
        )
    return order


async def by_number(session: AsyncSession, number: str) -> Order | None:
    return await session.scalar(_with_owner().where(Order.number == number))


async def of_customer(session: AsyncSession, customer_id: UUID) -> Sequence[Order]:
    """Newest first."""
    query = _with_owner().where(Order.customer_id == customer_id)
    return (await session.scalars(query.order_by(Order.created_at.desc()))).all()


async def history(session: AsyncSession, order_id: UUID) -> Sequence[OrderHistory]:
    """Oldest first."""
    query = sa.select(OrderHistory).where(OrderHistory.order_id == order_id)
    return (await session.scalars(query.order_by(OrderHistory.sequence))).all()


async def handle(session: AsyncSession, event: Event) -> None:
    """What pricing and the factory answer; about an older submission nothing. Raises NotYet,
    Refused."""
    changes: dict[str, Any] = {}
    match event.type.partition("."):
        case ("pricing", _, "price_calculated"):
            to, owner = State.PRICE_CALCULATED, Owner.PRICING
            changes = {
                "price": Decimal(event.data["price"]),
                "metal_cost": Decimal(event.data["metal_cost"]),
                "making_cost": Decimal(event.data["making"]),
                "finish_cost": Decimal(event.data["finish_cost"]),
                "volume_mm3": Decimal(event.data["volume_mm3"]),
                "weight_g": Decimal(event.data["weight_g"]),
            }
        case ("pricing", _, "failed"):
            to, owner = State.PRICING_FAILED, Owner.PRICING
            changes = {
                "failure_code": event.data["code"],
                "failure": event.data["reason"],
                # Services of the version before do not tell it.
                "failure_message": from_dict_or_none(event.data.get("message")),
            }
        case ("work", _, "cancelled"):
            to, owner = State.CANCELLED, Owner(event.actor.partition(":")[0])
            changes = {"cancellation_requested_by": None}
        case ("work", _, "cancellation_refused"):
            # The work had begun: that step comes before this answer, in the same outbox.
            order = await _locked(session, event.order_id)
            order.cancellation_requested_by = None
            order.cancellation_refused_at = event.occurred_at
            return
        case ("work", _, "shipped"):
            to, owner = State.SHIPPED, Owner.OPERATOR
            changes = {"tracking_number": event.data["tracking_number"]}
            # Where the parcel went, whatever was changed at that very moment.
            if gone_to := event.data.get("address"):
                changes["address"] = address_column.from_dict(gone_to)
        case ("work", _, name) if name.upper() in FACTORY_STEPS:
            to, owner = State(name.upper()), Owner.OPERATOR
        case _:
            raise Refused(f"the shop does not know events of type {event.type!r}")
    order = await _locked(session, event.order_id)
    if owner is Owner.PRICING and submission_of(event) < order.submission:
        return
    if is_due(order.state, to, owner):
        reason = order.cancellation_reason if to is State.CANCELLED else None
        await _step(
            session,
            order,
            to,
            owner=owner,
            actor=event.actor,
            event_id=event.id,
            actor_name=event.data.get("actor_name"),  # only the workshop's have one
            reason=reason,
            **changes,
        )


async def _insert(session: AsyncSession, **owner: UUID) -> Order:
    # The database decides whether a number is free: two requests may draw the same one at once.
    while True:
        signs = (secrets.choice(order_numbers.SIGNS) for _ in range(order_numbers.LENGTH))
        number = order_numbers.PREFIX + "".join(signs)
        # The state is a place-holder; the first step of the same transaction checks and sets it.
        draft = insert(Order).values(number=number, state=State.INITIATED, sequence=0, **owner)
        order: Order | None = await session.scalar(
            draft.on_conflict_do_nothing(index_elements=["number"]).returning(Order)
        )
        if order is not None:
            return order


async def _locked(session: AsyncSession, order_id: UUID) -> Order:
    order = await session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None:
        raise OrderNotFound(order_id)
    return order


async def _step(
    session: AsyncSession,
    order: Order,
    to: State,
    *,
    owner: Owner,
    actor: str,
    actor_name: str | None = None,
    event_id: UUID | None = None,
    reason: str | None = None,
    **changes: Any,
) -> None:
    before = order.state if order.sequence else None
    lifecycle.check(before, to, owner)
    for column, value in changes.items():
        if column not in Order.__table__.columns:
            raise TypeError(f"an order has no column {column!r}")
        setattr(order, column, value)
    if (before, to) in REPLACED:
        begin_another(order)
    order.state = to
    order.sequence += 1
    order.updated_at = now()
    if to is State.CONFIRMED:
        order.promised_at = promised(order.updated_at)
    event = event_of(order, to.lower(), actor, before=before, reason=reason)
    session.add(
        OrderHistory(
            order_id=order.id,
            sequence=order.sequence,
            from_state=before,
            to_state=to,
            actor=actor,
            actor_name=actor_name,
            event_id=event_id or event.id,
            reason=reason,
            occurred_at=event.occurred_at,
        )
    )
    await outbox.append(session, event)


def _with_owner() -> sa.Select[Order]:
    return sa.select(Order).options(joinedload(Order.customer), joinedload(Order.partner))


def _of(model: StoredModel) -> dict[str, Any]:
    return {
        "model_checksum": model.checksum,
        "model_name": model.name,
        "model_bytes": model.size,
    }
