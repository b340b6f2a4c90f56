"""Where a piece is sent, on its way from the shop to the workshop."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import Operator, WorkOrder
from atelier.data.shop import Order, Partner
from atelier.domain.delivery import Address, AddressFixed, AddressMissing
from atelier.domain.lifecycle import FACTORY_STEPS, Owner, State
from atelier.messaging import inbox
from atelier.messaging.event import Event
from atelier.messaging.handler import NotYet
from atelier.partner.webhooks import endpoints
from atelier.partner.webhooks.message import message
from atelier.usecases import delivery, orders, work_orders
from tests.integration.atelier.wire import MODEL

pytestmark = pytest.mark.anyio

HOME = Address("Anna Winter", "Am Markt 1", "DE", postal_code="04109", city="Leipzig")
WORK = replace(HOME, line1="Am Markt 2")
PRICED = {
    **dict.fromkeys(("price", "metal_cost", "making", "finish_cost"), "100.00"),
    **dict.fromkeys(("volume_mm3", "weight_g"), "10.000"),
}


@dataclass
class Both:
    """The shop and the workshop, and one order that they tell each other of."""

    shop: Database
    mes: Database
    order: Order
    operator: Operator

    async def confirm(self, address: Address = HOME) -> None:
        async with self.shop.session() as session:
            await delivery.confirm(
                session, self.order.id, address, owner=Owner.PARTNER, actor="partner:1"
            )

    async def approve(self) -> None:
        async with self.shop.session() as session:
            await orders.move(
                session,
                self.order.id,
                State.MANUFACTURING_APPROVED,
                owner=Owner.SELLER,
                actor="seller:1",
            )

    async def change(self, address: Address, owner: Owner = Owner.SELLER) -> None:
        async with self.shop.session() as session:
            await delivery.change_address(
                session, self.order.id, address, owner=owner, actor=f"{owner}:1"
            )

    async def work_until(self, last: State) -> None:
        for step in FACTORY_STEPS:
            async with self.mes.session() as session:
                await work_orders.move(session, self.order.number, step, self.operator)
            if step is last:
                return

    async def told(self, database: Database) -> list[Event]:
        """By one of the two, oldest first."""
        async with database.session() as session:
            rows = await session.scalars(sa.select(outbox_tables.outbox.c.body).order_by("id"))
            return [Event.from_json(json.dumps(body).encode()) for body in rows.all()]

    async def workshop_hears(self, *events: Event) -> None:
        for event in events or await self.told(self.shop):
            async with self.mes.session() as session:
                await work_orders.handle(session, event)

    async def shop_hears(self) -> None:
        for event in await self.told(self.mes):
            async with self.shop.session() as session:
                await orders.handle(session, event)

    async def addresses(self) -> tuple[Address | None, Address | None]:
        """The shop's and the workshop's."""
        async with self.shop.session() as ours, self.mes.session() as theirs:
            ordered = await ours.get_one(Order, self.order.id)
            work = await theirs.get(WorkOrder, self.order.id)
            return ordered.address, None if work is None else work.address


@pytest.fixture
async def both(shop: Database, mes: Database, partner: Partner) -> Both:
    """With an order that has its price."""
    operator = Operator(email=f"{uuid4().hex}@example.org", name="Vera", password_hash="-")
    async with mes.session() as session:
        session.add(operator)
    async with shop.session() as session:
        order = await orders.place(session, partner.id, MODEL, "gold-585")
    priced = Event(
        type="pricing.price_calculated", order_id=order.id, actor="pricing", data=dict(PRICED)
    )
    async with shop.session() as session:
        await orders.handle(session, priced)
    return Both(shop, mes, order, operator)


async def test_the_workshop_is_told_the_address_of_an_approved_order(both: Both) -> None:
    await both.confirm()
    await both.workshop_hears()
    assert await both.addresses() == (HOME, None)

    await both.approve()
    await both.workshop_hears()

    assert await both.addresses() == (HOME, HOME)
    holding = [event.type for event in await both.told(both.shop) if "address" in event.data]
    assert holding == ["order.manufacturing_approved"]


async def test_before_it_is_approved_nobody_is_told_of_another_address(both: Both) -> None:
    await both.confirm()
    await both.change(WORK, Owner.PARTNER)
    assert "order.address_changed" not in [event.type for event in await both.told(both.shop)]

    await both.approve()
    await both.workshop_hears()

    assert await both.addresses() == (WORK, WORK)


@pytest.mark.parametrize("again", [1, 2])
async def test_of_several_addresses_the_last_one_counts_in_whatever_order_they_come(
    both: Both, again: int
) -> None:
    await both.confirm()
    await both.approve()
    for address in (WORK, HOME, replace(WORK, line2="2nd floor")):
        await both.change(address)
    events = await both.told(both.shop)
    changes = [event for event in events if event.type == "order.address_changed"]
    assert len(changes) == 3

    await both.workshop_hears(*events[:-3])
    await both.workshop_hears(*(list(reversed(changes)) * again))

    assert (await both.addresses())[1] == replace(WORK, line2="2nd floor")


async def test_an_address_waits_for_the_step_that_it_came_after(both: Both) -> None:
    await both.confirm()
    await both.approve()
    await both.change(WORK)
    events = await both.told(both.shop)

    with pytest.raises(NotYet):
        await both.workshop_hears(events[-1])
    await both.workshop_hears(*events[:-2])
    with pytest.raises(NotYet):
        await both.workshop_hears(events[-1])
    await both.workshop_hears(*events[-2:])

    assert await both.addresses() == (WORK, WORK)


async def test_the_same_address_again_is_no_news(both: Both) -> None:
    await both.confirm()
    await both.approve()
    before = len(await both.told(both.shop))
    await both.change(HOME)
    assert len(await both.told(both.shop)) == before


async def test_without_an_address_nothing_is_shipped(both: Both) -> None:
    async with both.shop.session() as session:
        # As the version before confirmed it.
        await orders.move(
            session, both.order.id, State.CONFIRMED, owner=Owner.PARTNER, actor="partner:1"
        )
    await both.approve()
    await both.workshop_hears()
    with pytest.raises(AddressMissing, match=f"^{both.order.number} has no delivery address"):
        await both.work_until(State.SHIPPED)
    await both.shop_hears()

    await both.change(HOME)
    await both.workshop_hears()
    async with both.mes.session() as session:
        await work_orders.ship(session, both.order.number, both.operator, "RR 12")

    assert await both.addresses() == (HOME, HOME)


async def test_a_parcel_went_where_the_workshop_sent_it(both: Both) -> None:
    """The address was changed when the parcel had just left: that is too late, for both."""
    await both.confirm()
    await both.approve()
    await both.workshop_hears()
    await both.work_until(State.SHIPPED)
    await both.change(WORK)
    await both.workshop_hears(*(await both.told(both.shop))[-1:])

    await both.shop_hears()

    assert await both.addresses() == (HOME, HOME)


@pytest.mark.parametrize("owner", [Owner.PARTNER, Owner.SELLER])
async def test_it_is_said_when_it_is_too_late(both: Both, owner: Owner) -> None:
    with pytest.raises(AddressFixed, match="from the confirmation"):
        await both.change(WORK, owner)
    await both.confirm()
    await both.approve()
    await both.workshop_hears()
    await both.work_until(State.SHIPPED if owner is Owner.SELLER else State.MANUFACTURING_STARTED)
    await both.shop_hears()

    words = "from the confirmation" if owner is Owner.SELLER else "has begun"
    with pytest.raises(AddressFixed, match=words):
        await both.change(WORK, owner)


async def test_no_webhook_tells_of_an_address_or_of_who_worked(both: Both) -> None:
    await both.confirm()
    await both.approve()
    await both.change(WORK)
    await both.workshop_hears()
    await both.work_until(State.SHIPPED)
    await both.shop_hears()
    assert {event.data["actor_name"] for event in await both.told(both.mes)} == {"Vera"}
    events = await both.told(both.shop)
    [changed] = [event for event in events if event.type == "order.address_changed"]

    async with both.shop.session() as session:
        await endpoints.handle(session, changed)  # is no step, and is told nobody
        order = await session.get_one(Order, both.order.id)
        bodies = [message(event, order) for event in events if event is not changed]

    assert "manufacturing_approved" in bodies[-5]
    assert "shipped" in bodies[-1]
    assert not [body for body in bodies if "Winter" in body or "address" in body]
    assert not [body for body in bodies if "Vera" in body]
    assert not [event for event in events if "Vera" in str(event.to_dict())]


async def test_neither_a_dead_letter_nor_its_reason_tells_an_address(both: Both) -> None:
    await both.confirm()
    await both.approve()
    event = (await both.told(both.shop))[-1]
    del event.data["address"]["line1"]
    with pytest.raises(ValueError, match="no delivery address, by its line1") as failed:
        await both.workshop_hears(*(await both.told(both.shop))[:-1], event)

    async with both.mes.session() as session:
        await inbox.keep(session, "mes.orders", event, inbox.setback(failed.value, 0, ()))
    async with both.mes.session() as session:
        [letter] = await inbox.dead(session)

    assert event.data["address"]["recipient"] == HOME.recipient
    assert HOME.recipient not in str(letter.to_dict())
    assert json.loads(letter.body)["data"]["address"] == "(not shown)"
    assert json.loads(letter.body)["data"]["number"] == both.order.number


async def test_no_dead_letter_tells_who_worked(both: Both) -> None:
    await both.confirm()
    await both.approve()
    await both.workshop_hears()
    await both.work_until(State.MANUFACTURING_STARTED)
    [event] = await both.told(both.mes)

    async with both.shop.session() as session:
        failed = inbox.setback(RuntimeError("no"), 0, ())
        await inbox.keep(session, "shop.orders", event, failed)
    async with both.shop.session() as session:
        [letter] = await inbox.dead(session)

    assert event.data["actor_name"] == "Vera"
    assert "Vera" not in str(letter.to_dict())
    assert json.loads(letter.body)["data"]["actor_name"] == "(not shown)"
    assert json.loads(letter.body)["actor"] == f"operator:{both.operator.id}"


async def test_an_event_of_the_version_before_tells_of_no_address(both: Both) -> None:
    await both.confirm()
    await both.approve()
    events = await both.told(both.shop)
    older: dict[str, Any] = {
        name: value for name, value in events[-1].data.items() if not name.startswith("address")
    }
    await both.workshop_hears(*events[:-1], events[-1].model_copy(update={"data": older}))

    assert await both.addresses() == (HOME, None)
    await both.change(WORK)
    await both.workshop_hears(*(await both.told(both.shop))[-1:])
    assert await both.addresses() == (WORK, WORK)
