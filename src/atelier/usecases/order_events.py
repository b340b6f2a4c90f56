"""The events by which the shop tells the other services of an order."""

from __future__ import annotations

from typing import Any

from atelier.data import address_column, design_column
from atelier.data.shop import Order
from atelier.domain.lifecycle import State
from atelier.messaging.event import Event


def event_of(
    order: Order, name: str, actor: str, *, before: State | None = None, reason: str | None = None
) -> Event:
    """The event that tells of the order as it is now, as of its `updated_at`.

    `name` is what has happened, `before` the state that the order was in until then, if it changed.
    """
    return Event(
        type=f"order.{name}",
        order_id=order.id,
        actor=actor,
        occurred_at=order.updated_at,
        data={
            "number": order.number,
            "from": before,
            "to": order.state,
            "sequence": order.sequence,
            "submission": order.submission,
            "metal": order.metal,
            "finish": order.finish,
            "model_checksum": order.model_checksum,
            "model_name": order.model_name,
            "design": None if order.design is None else design_column.to_dict(order.design),
            "price": None if order.price is None else str(order.price),
            "promised_at": None if order.promised_at is None else order.promised_at.isoformat(),
            "reason": reason,
            "failure": order.failure,
            "source": order.source,
            **_address(order, name),
        },
    )


def _address(order: Order, name: str) -> dict[str, Any]:
    """What the event `name` tells of it: nothing, except where the factory has to know."""
    if order.address is None or name not in ("manufacturing_approved", "address_changed"):
        return {}
    told = address_column.to_dict(order.address)
    return {"address": told, "address_version": order.address_version}
