"""The design of a ring on its way from the constructor to the workshop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import WorkOrder
from atelier.data.shop import Customer, Order
from atelier.domain.lifecycle import State
from atelier.domain.ring_design import Place, RingDesign, Seat
from atelier.messaging.event import Event
from atelier.usecases import orders, work_orders
from tests.integration.atelier.wire import MODEL, told

pytestmark = pytest.mark.anyio

RING = RingDesign(
    57, Decimal("4.5"), seat=Seat.BEZEL, engraving="Анне ♥ навсегда", place=Place.OUTSIDE
)


async def submitted(shop: Database) -> Order:
    """An order of a customer who has drawn the ring."""
    async with shop.session() as session:
        customer = Customer(email="anna@example.org", name="Anna", password_hash="-")
        session.add(customer)
        await session.flush()
        order = await orders.start(session, customer.id)
        drawn = orders.Drawn(RING, "gold-585", "satin")
        await orders.attach_model(session, order, MODEL, "customer:1", drawn)
        await orders.submit(session, order, "gold-585", "satin", "customer:1")
        return order


async def work_order(mes: Database, event: Event) -> WorkOrder | None:
    async with mes.session() as session:
        await work_orders.handle(session, event)
    async with mes.session() as session:
        return await session.get(WorkOrder, event.order_id)


async def test_the_workshop_is_told_the_ring_as_it_was_drawn(shop: Database, mes: Database) -> None:
    order = await submitted(shop)
    outbox = outbox_tables.outbox
    async with shop.session() as session:
        kept = await orders.by_number(session, order.number)
        submission = sa.select(outbox.c.body).where(outbox.c.type == "order.submitted")
        body = (await session.scalars(submission)).one()

    work = await work_order(mes, Event.from_dict(body))

    assert kept is not None
    assert (kept.design, kept.metal, kept.finish) == (RING, "gold-585", "satin")
    assert work is not None
    assert (work.design, work.metal, work.finish) == (RING, "gold-585", "satin")


async def test_a_model_that_was_uploaded_has_no_design(shop: Database, mes: Database) -> None:
    event = told(uuid4(), None, State.SUBMITTED)
    event.data["design"] = None

    work = await work_order(mes, event)

    assert work is not None
    assert work.design is None
    async with mes.session() as session:
        null = sa.select(WorkOrder.design.is_(None)).where(WorkOrder.order_id == event.order_id)
        assert await session.scalar(null)


async def test_an_event_of_the_version_before_tells_of_no_design(mes: Database) -> None:
    event = told(uuid4(), None, State.SUBMITTED)
    del event.data["design"]

    work = await work_order(mes, event)

    assert work is not None
    assert work.design is None


@pytest.mark.parametrize("design", [{}, {"size": 57}, {"profile": "square"}])
async def test_work_does_not_begin_on_a_design_that_cannot_be_read(
    mes: Database, design: dict[str, Any]
) -> None:
    event = told(uuid4(), None, State.SUBMITTED)
    event.data["design"] = design

    with pytest.raises(ValueError, match="no design of a ring"):
        await work_order(mes, event)

    async with mes.session() as session:
        assert await session.get(WorkOrder, event.order_id) is None
