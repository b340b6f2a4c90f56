from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.shop import Customer, Order, OrderHistory, Partner
from atelier.domain.lifecycle import IllegalTransition, Owner, State
from atelier.domain.metals import UnknownMetal
from atelier.languages import gettext_lazy, speaking
from atelier.languages.keeping import to_dict
from atelier.messaging.event import Event
from atelier.messaging.handler import NotYet, Refused
from atelier.usecases import orders
from tests.integration.atelier.wire import MODEL

pytestmark = pytest.mark.anyio


@pytest.fixture
async def customer(shop: Database) -> Customer:
    customer = Customer(email=f"{uuid4().hex}@example.org", name="Anna Petrova", password_hash="-")
    async with shop.session() as session:
        session.add(customer)
    return customer


async def submitted(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        return await orders.place(session, partner.id, MODEL, "gold-585", reference="PO 17")


def priced(order: Order, price: str = "249.50") -> Event:
    return Event(
        type="pricing.price_calculated",
        order_id=order.id,
        actor="pricing",
        data={
            "volume_mm3": "177.936",
            "weight_g": "2.331",
            "price": price,
            "metal_cost": "143.12",
            "making": "60.15",
            "finish_cost": "18.00",
        },
    )


def worked(order: Order, to: State) -> Event:
    return Event(type=f"work.{to.lower()}", order_id=order.id, actor=f"operator:{uuid4()}")


async def states(shop: Database, order_id: UUID) -> list[State]:
    async with shop.session() as session:
        return [line.to_state for line in await orders.history(session, order_id)]


async def test_a_customers_order_grows_step_by_step(shop: Database, customer: Customer) -> None:
    actor = f"customer:{customer.id}"
    async with shop.session() as session:
        order = await orders.start(session, customer.id)
    async with shop.session() as session:
        await orders.attach_model(session, order, MODEL, actor)
    async with shop.session() as session:
        await orders.submit(session, order, "platinum-950", "satin", actor)

    async with shop.session() as session:
        found = await orders.by_number(session, order.number)
        lines = await orders.history(session, order.id)
    assert found is not None
    assert (found.state, found.metal, found.model_name) == (
        State.SUBMITTED,
        "platinum-950",
        MODEL.name,
    )
    assert [(line.sequence, line.from_state, line.to_state) for line in lines] == [
        (1, None, State.INITIATED),
        (2, State.INITIATED, State.FILE_UPLOADED),
        (3, State.FILE_UPLOADED, State.SUBMITTED),
    ]
    assert {line.actor for line in lines} == {actor}
    assert all(line.occurred_at.tzinfo for line in lines)


async def test_every_step_has_its_event_in_the_outbox_and_its_id_in_the_history(
    shop: Database, customer: Customer
) -> None:
    async with shop.session() as session:
        order = await orders.start(session, customer.id)
    async with shop.session() as session:
        await orders.attach_model(session, order, MODEL, f"customer:{customer.id}")

    async with shop.session() as session:
        rows = (await session.execute(sa.select(outbox_tables.outbox).order_by("id"))).all()
        ids = await session.scalars(sa.select(OrderHistory.event_id).order_by("sequence"))
    assert [row.type for row in rows] == ["order.initiated", "order.file_uploaded"]
    assert [row.event_id for row in rows] == ids.all()
    assert rows[1].body["data"] == {
        "number": order.number,
        "from": "INITIATED",
        "to": "FILE_UPLOADED",
        "sequence": 2,
        "submission": 1,
        "metal": None,
        "finish": None,
        "model_checksum": MODEL.checksum,
        "model_name": MODEL.name,
        "design": None,
        "price": None,
        "promised_at": None,
        "reason": None,
        "failure": None,
        "source": "shop",
    }
    assert customer.email not in str(rows)
    assert customer.name not in str(rows)


async def test_a_refused_step_leaves_nothing_behind(shop: Database, partner: Partner) -> None:
    order = await submitted(shop, partner)

    async def approve_too_early() -> None:
        async with shop.session() as session:
            await orders.move(
                session,
                order.id,
                State.MANUFACTURING_APPROVED,
                owner=Owner.SELLER,
                actor="seller:1",
            )

    with pytest.raises(IllegalTransition):
        await approve_too_early()
    async with shop.session() as session:
        with pytest.raises(UnknownMetal):
            await orders.place(session, partner.id, MODEL, "gold-999")

    assert await states(shop, order.id) == [State.SUBMITTED]
    async with shop.session() as session:
        assert (
            await session.scalar(sa.select(sa.func.count()).select_from(outbox_tables.outbox)) == 1
        )
        assert await session.scalar(sa.select(sa.func.count()).select_from(Order)) == 1


async def test_an_order_that_is_not_there_cannot_be_moved(shop: Database) -> None:
    async with shop.session() as session:
        with pytest.raises(orders.OrderNotFound):
            await orders.move(session, uuid4(), State.CLOSED, owner=Owner.SELLER, actor="seller:1")


async def test_a_price_is_taken_over_once(shop: Database, partner: Partner) -> None:
    order = await submitted(shop, partner)
    first, second = priced(order, "249.50"), priced(order, "1.00")
    for event in (first, second):
        async with shop.session() as session:
            await orders.handle(session, event)

    async with shop.session() as session:
        found = await session.get_one(Order, order.id)
        last = (await orders.history(session, order.id))[-1]
    assert (str(found.price), str(found.volume_mm3), str(found.weight_g)) == (
        "249.50",
        "177.936",
        "2.331",
    )
    assert await states(shop, order.id) == [State.SUBMITTED, State.PRICE_CALCULATED]
    assert last.event_id == first.id


HOLE = "The file is empty. Please export the model again."


@pytest.mark.parametrize(
    ("told", "russian"),
    [
        ({"message": to_dict(gettext_lazy(HOLE))}, "Файл пуст."),
        ({}, "The file is empty."),
        ({"message": {"message": "%(gone)s", "values": {}}}, "The file is empty."),
    ],
    ids=["with-its-message", "of-the-version-before", "not-to-be-told"],
)
async def test_why_there_is_no_price_reaches_the_order(
    shop: Database, partner: Partner, told: dict[str, Any], russian: str
) -> None:
    order = await submitted(shop, partner)
    failed = Event(
        type="pricing.failed",
        order_id=order.id,
        actor="pricing",
        data={"code": "empty", "reason": HOLE, **told},
    )
    async with shop.session() as session:
        await orders.handle(session, failed)

    async with shop.session() as session:
        found = await session.get_one(Order, order.id)
    assert (found.state, found.failure) == (State.PRICING_FAILED, HOLE)
    assert str(found.failure_told) == HOLE
    with speaking("ru"):
        assert str(found.failure_told).startswith(russian)


async def test_news_from_the_factory_may_come_too_early_or_never_fit(
    shop: Database, partner: Partner
) -> None:
    order = await submitted(shop, partner)
    async with shop.session() as session:
        with pytest.raises(NotYet, match="MANUFACTURING_STARTED, but the order is still SUBMITTED"):
            await orders.handle(session, worked(order, State.MANUFACTURING_STARTED))
        with pytest.raises(Refused, match=r"'work\.closed'"):
            await orders.handle(session, worked(order, State.CLOSED))
    async with shop.session() as session:
        await orders.move(session, order.id, State.CANCELLED, owner=Owner.PARTNER, actor="p")
    async with shop.session() as session:
        with pytest.raises(Refused, match="an order that is CANCELLED cannot reach"):
            await orders.handle(session, worked(order, State.MANUFACTURING_STARTED))
        # The price of an order that was cancelled meanwhile is merely late.
        await orders.handle(session, priced(order))
    assert await states(shop, order.id) == [State.SUBMITTED, State.CANCELLED]


async def test_numbers_are_easy_to_read_out(shop: Database, partner: Partner) -> None:
    numbers = {(await submitted(shop, partner)).number for _ in range(20)}

    assert len(numbers) == 20
    for number in numbers:
        assert number.startswith("AT-")
        assert len(number) == 9
        assert not set(number[3:]) & set("AEIOUY01LBSZ5")
