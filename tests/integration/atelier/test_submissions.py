"""An order whose model is replaced is submitted again: late and repeated words about the older
submission change nothing. Events are carried by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from atelier.admin import comparing
from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import Calculation, CalculationRequest, WorkOrder
from atelier.data.shop import Customer, Order
from atelier.domain.lifecycle import IllegalTransition, Owner, State
from atelier.domain.models3d import ModelRejected
from atelier.domain.ring_design import RingDesign
from atelier.languages import gettext_lazy
from atelier.messaging.event import Event
from atelier.messaging.handler import NotYet
from atelier.storage.model_store import StoredModel
from atelier.usecases import orders, price_requests, unfinished, work_orders
from tests.integration.atelier.wire import MODEL

pytestmark = pytest.mark.anyio

ANOTHER = StoredModel(checksum="d" * 64, name="thicker.stl", size=2084)
REASON = "The band is too thin."


@pytest.fixture
async def customer(shop: Database) -> Customer:
    customer = Customer(email=f"{uuid4().hex}@example.org", name="Anna Petrova", password_hash="-")
    async with shop.session() as session:
        session.add(customer)
    return customer


@pytest.fixture
async def order(shop: Database, customer: Customer) -> Order:
    """Priced at € 100.00, confirmed, and sent back."""
    async with shop.session() as session:
        order = await orders.start(session, customer.id)
        drawn = orders.Drawn(RingDesign(), "gold-585", "satin")
        await orders.attach_model(session, order, MODEL, "customer:1", drawn)
        await orders.submit(session, order, "gold-585", "satin", "customer:1")
    await told_to_the_shop(shop, answer(order, "100.00", submission=1))
    async with shop.session() as session:
        await orders.move(
            session, order.id, State.CONFIRMED, owner=Owner.CUSTOMER, actor="customer:1"
        )
        return await orders.send_back(session, order.id, actor="seller:1", reason=REASON)


def answer(order: Order, price: str, *, submission: int | None) -> Event:
    """Pricing's; without `submission` as the version before told it."""
    figures = {
        "volume_mm3": "177.936",
        "weight_g": "2.331",
        "price": price,
        "metal_cost": "43.12",
        "making": "38.88",
        "finish_cost": "18.00",
    }
    numbered = {} if submission is None else {"submission": submission}
    return Event(
        type="pricing.price_calculated",
        order_id=order.id,
        actor="pricing",
        data={**figures, **numbered},
    )


def asked(order_id: UUID, submission: int | None, model: StoredModel = MODEL) -> Event:
    numbered = {} if submission is None else {"submission": submission}
    return Event(
        type="order.submitted",
        order_id=order_id,
        actor="customer:1",
        data={"metal": "gold-585", "model_checksum": model.checksum, **numbered},
    )


async def told_to_the_shop(shop: Database, event: Event) -> None:
    async with shop.session() as session:
        await orders.handle(session, event)


async def replaced(shop: Database, order: Order) -> Order:
    async with shop.session() as session:
        return await orders.attach_model(session, order, ANOTHER, "customer:1")


async def submitted_again(shop: Database, order: Order) -> Order:
    async with shop.session() as session:
        return await orders.submit(session, order, "silver-925", "polished", "customer:1")


async def look_up(shop: Database, order: Order) -> Order:
    async with shop.session() as session:
        return await session.get_one(Order, order.id)


async def events(database: Database) -> list[Event]:
    async with database.session() as session:
        bodies = await session.scalars(sa.select(outbox_tables.outbox.c.body).order_by("id"))
        return [Event.from_dict(body) for body in bodies]


async def ask(mes: Database, *asking: Event) -> None:
    for event in asking:
        async with mes.session() as session:
            await price_requests.handle(session, event)


async def waiting(mes: Database) -> list[CalculationRequest]:
    async with mes.session() as session:
        query = sa.select(CalculationRequest).order_by(CalculationRequest.id)
        return list(await session.scalars(query))


async def refuse_the_model(mes: Database, request_id: int) -> None:
    """An answer of pricing, whose way there is as a price's."""
    async with mes.session() as session:
        found = ModelRejected("open-surface", gettext_lazy("A hole."))
        await price_requests.answer(session, request_id, found)


async def answered(mes: Database) -> list[tuple[int, str]]:
    async with mes.session() as session:
        query = sa.select(Calculation).order_by(Calculation.submission)
        return [(each.submission, each.model_checksum) for each in await session.scalars(query)]


async def test_another_model_takes_away_what_was_found_out_about_the_one_before(
    shop: Database, order: Order
) -> None:
    changed = await replaced(shop, order)

    assert (changed.state, changed.submission) == (State.FILE_UPLOADED, 2)
    assert (changed.model_checksum, changed.design) == (ANOTHER.checksum, None)
    assert (changed.price, changed.metal_cost, changed.weight_g) == (None, None, None)
    assert (changed.metal, changed.finish) == ("gold-585", "satin")

    await submitted_again(shop, order)
    await told_to_the_shop(shop, answer(order, "250.00", submission=2))
    found = await look_up(shop, order)
    assert (found.state, found.price) == (State.PRICE_CALCULATED, Decimal("250.00"))
    async with shop.session() as session:
        steps = await orders.history(session, order.id)
    assert [step.reason for step in steps if step.reason] == [REASON]


async def test_a_model_that_no_price_is_possible_for_is_replaced(
    shop: Database, customer: Customer
) -> None:
    async with shop.session() as session:
        order = await orders.start(session, customer.id)
        await orders.attach_model(session, order, MODEL, "customer:1")
        await orders.submit(session, order, "gold-585", "satin", "customer:1")
    failure = {"code": "open-surface", "reason": "It has a hole.", "submission": 1}
    await told_to_the_shop(
        shop, Event(type="pricing.failed", order_id=order.id, actor="pricing", data=failure)
    )

    changed = await replaced(shop, order)

    assert (changed.state, changed.submission) == (State.FILE_UPLOADED, 2)
    assert (changed.failure, changed.failure_code) == (None, None)


async def test_what_is_confirmed_keeps_its_model(shop: Database, order: Order) -> None:
    async with shop.session() as session:
        await orders.move(
            session, order.id, State.CONFIRMED, owner=Owner.CUSTOMER, actor="customer:1"
        )
    with pytest.raises(IllegalTransition):
        await replaced(shop, order)
    assert (await look_up(shop, order)).model_checksum == MODEL.checksum


@pytest.mark.parametrize("number", [1, None], ids=["with its number", "of the version before"])
async def test_an_answer_to_the_older_submission_is_never_the_price_of_the_newer(
    shop: Database, order: Order, number: int | None
) -> None:
    late = answer(order, "1.00", submission=number)
    await replaced(shop, order)
    await told_to_the_shop(shop, late)
    await submitted_again(shop, order)
    await told_to_the_shop(shop, late)

    waiting_for_its_own = await look_up(shop, order)
    assert (waiting_for_its_own.state, waiting_for_its_own.price) == (State.SUBMITTED, None)

    await told_to_the_shop(shop, answer(order, "250.00", submission=2))
    await told_to_the_shop(shop, late)
    found = await look_up(shop, order)
    assert (found.state, found.price) == (State.PRICE_CALCULATED, Decimal("250.00"))


async def test_each_submission_is_priced_once(mes: Database) -> None:
    order_id = uuid4()
    first, second = asked(order_id, None), asked(order_id, 2, ANOTHER)
    await ask(mes, first)
    await refuse_the_model(mes, (await waiting(mes))[0].id)
    await ask(mes, second, first, second)

    [request] = await waiting(mes)
    assert request.submission == 2
    await refuse_the_model(mes, request.id)
    await ask(mes, first, second)

    assert await waiting(mes) == []
    assert await answered(mes) == [(1, MODEL.checksum), (2, ANOTHER.checksum)]
    assert [event.data["submission"] for event in await events(mes)] == [1, 2]


async def test_a_model_that_is_measured_when_a_newer_one_comes_is_not_answered(
    mes: Database,
) -> None:
    order_id = uuid4()
    await ask(mes, asked(order_id, 1))
    [older] = await waiting(mes)
    await ask(mes, asked(order_id, 2, ANOTHER), asked(order_id, 1))
    await refuse_the_model(mes, older.id)

    [request] = await waiting(mes)
    assert request.submission == 2
    assert await answered(mes) == []
    assert await events(mes) == []


async def test_the_factory_follows_an_order_that_is_changed(
    shop: Database, mes: Database, order: Order
) -> None:
    await replaced(shop, order)
    for event in await events(shop):
        async with mes.session() as session:
            await work_orders.handle(session, event)
    async with mes.session() as session:
        work = await session.get_one(WorkOrder, order.id)
    assert (work.state, work.price, work.submission) == (State.FILE_UPLOADED, None, 2)
    assert (work.model_checksum, work.design) == (ANOTHER.checksum, None)

    await submitted_again(shop, order)
    await told_to_the_shop(shop, answer(order, "250.00", submission=2))
    for event in await events(shop):
        async with mes.session() as session:
            await work_orders.handle(session, event)

    async with mes.session() as session:
        work = await session.get_one(WorkOrder, order.id)
        theirs = [line.to_state for line in await work_orders.history(session, order.id)]
    async with shop.session() as session:
        ours = [line.to_state for line in await orders.history(session, order.id)]
    assert theirs == ours[ours.index(State.SUBMITTED) :]
    assert (work.state, work.price, work.metal) == (
        State.PRICE_CALCULATED,
        Decimal("250.00"),
        "silver-925",
    )


async def test_no_later_submission_opens_the_work(
    shop: Database, mes: Database, order: Order
) -> None:
    await replaced(shop, order)
    await submitted_again(shop, order)
    async with shop.session() as session:
        await orders.cancel(session, order.id, owner=Owner.CUSTOMER, actor="customer:1")
    later = [event for event in await events(shop) if event.data["submission"] == 2]
    assert len(later) == 3

    for event in later:
        with pytest.raises(NotYet):
            async with mes.session() as session:
                await work_orders.handle(session, event)


async def test_the_price_of_the_last_submission_is_the_one_that_is_compared(
    shop: Database, mes: Database, order: Order
) -> None:
    await replaced(shop, order)
    await submitted_again(shop, order)
    await told_to_the_shop(shop, answer(order, "250.00", submission=2))
    for event in await events(shop):
        async with mes.session() as session:
            await work_orders.handle(session, event)
    for number in (1, 2):
        await ask(mes, asked(order.id, number))
        await refuse_the_model(mes, (await waiting(mes))[0].id)

    async def differing() -> list[str]:
        return [each.kind async for each in comparing.all_orders(shop, mes, now())]

    async def current() -> list[str]:
        compared = comparing.current_orders(shop, mes, now(), now())
        return [each.kind async for each in compared]

    assert await differing() == []
    async with mes.session() as session:
        (await session.get_one(WorkOrder, order.id)).price = Decimal("100.00")
    assert await differing() == await current() == ["prices differ"]


async def test_a_factory_that_missed_the_change_is_found(
    shop: Database, mes: Database, order: Order
) -> None:
    for event in await events(shop):
        async with mes.session() as session:
            await work_orders.handle(session, event)
    async with mes.session() as session:
        # Out of the list: nobody would look there.
        (await session.get_one(WorkOrder, order.id)).state = State.PRICING_FAILED
    await replaced(shop, order)

    found = [each async for each in comparing.current_orders(shop, mes, now(), now())]

    assert [(each.kind, each.repairable) for each in found] == [("states differ", True)]


async def test_an_order_that_is_changed_is_kept_however_long_nobody_goes_on(
    shop: Database, order: Order
) -> None:
    changed = await replaced(shop, order)
    removed: list[str] = []

    async def discard(checksum: str) -> None:
        removed.append(checksum)

    async with shop.session() as session:
        assert not await unfinished.remove_one(session, now() + timedelta(days=99), discard)
    assert unfinished.kept_until(changed, days=30) is None
    assert removed == []
