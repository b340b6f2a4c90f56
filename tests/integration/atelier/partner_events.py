"""An order of a partner's, and the events that its endpoints are told of."""

from __future__ import annotations

import json

import sqlalchemy as sa

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.shop import (
    Order,
    Partner,
)
from atelier.messaging.event import Event
from atelier.partner.webhooks import endpoints
from atelier.usecases import orders
from tests.integration.atelier.wire import MODEL


async def placed(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        return await orders.place(session, partner.id, MODEL, "gold-585")


async def told(shop: Database, order: Order) -> list[Event]:
    """The events of the order, as the queue would bring them."""
    async with shop.session() as session:
        outbox = outbox_tables.outbox.c
        rows = await session.scalars(sa.select(outbox.body).order_by(outbox.id))
        events = [Event.from_json(json.dumps(body).encode()) for body in rows]
    return [event for event in events if event.order_id == order.id]


async def handled(shop: Database, *events: Event) -> None:
    for event in events:
        async with shop.session() as session:
            await endpoints.handle(session, event)
