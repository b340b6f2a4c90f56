"""What differs between the shop and the factory is found, and repaired where it can be."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.admin.reconciler import Reconciler
from atelier.admin.reconciliation import Systems, repaired
from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import Calculation, Operator, WorkOrder
from atelier.data.shop import (
    Order,
    Partner,
)
from atelier.domain.lifecycle import State
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.messaging.relay import Relay
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.telemetry.metrics import REGISTRY
from atelier.usecases import orders, work_orders
from tests.integration.atelier.background import Start
from tests.integration.atelier.mes_orders import mes_consumer
from tests.integration.atelier.partner_events import placed
from tests.integration.atelier.wire import (
    MODEL,
    all_published,
    dead_events,
    deliver,
    exploded,
    told,
    waiting,
)
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def systems(shop: Database, mes: Database, broker: BrokerConnection) -> Systems:
    return Systems(shop, mes, broker, grace=timedelta(0))


async def test_what_was_lost_between_outbox_and_consumer_is_sent_again_and_nothing_else(
    systems: Systems,
    shop: Database,
    mes: Database,
    broker: BrokerConnection,
    partner: Partner,
    settings: Settings,
    start: Start,
) -> None:
    """Whatever the queue, and whether anybody would see it in the state of an order or not."""
    order = await placed(shop, partner)
    start(Relay(shop, broker))
    await all_published(shop)
    for queue in SUBSCRIPTIONS:
        await waiting(broker, queue)  # taken out: lost
    seen: list[tuple[str, Event]] = []
    for queue in SUBSCRIPTIONS:

        async def handle(session: AsyncSession, event: Event, queue: str = queue) -> None:
            seen.append((queue, event))

        database = shop if SUBSCRIPTIONS[queue].database == "shop" else mes
        consuming = Consumer(
            queue, handler=handle, database=database, broker=broker, retry_delays=()
        )
        start(consuming)
        await consuming.consuming.wait()

    reconciler = Reconciler(systems, every=60)
    found = await reconciler.look()

    lost = {each.where for each in found if each.kind == "lost on its way"}
    assert lost == {"mes.orders", "partner.events", "pricing.calculations"}
    assert {each.order_id for each in found if each.kind == "lost on its way"} == {order.id}

    async def arrived() -> list[str]:
        return sorted(queue for queue, _ in seen)

    await eventually_async(arrived, until=sorted(lost).__eq__)
    again = await reconciler.look()
    assert not [each for each in again if each.kind == "lost on its way"]
    assert len(seen) == 3


async def test_what_may_still_be_in_a_queue_is_not_taken_for_lost(
    systems: Systems, shop: Database, broker: BrokerConnection, partner: Partner, start: Start
) -> None:
    await placed(shop, partner)
    start(Relay(shop, broker))
    await all_published(shop)

    found = await Reconciler(systems, every=60).look()

    kinds = {each.where: each.kind for each in found if each.where in SUBSCRIPTIONS}
    assert kinds == dict.fromkeys(
        ("mes.orders", "partner.events", "pricing.calculations"), "not consumed"
    )


async def test_what_sending_again_does_not_repair_is_left_to_a_person_and_told_of(
    systems: Systems, shop: Database, mes: Database, broker: BrokerConnection, partner: Partner
) -> None:
    order = await placed(shop, partner)
    async with mes.session() as session:
        await work_orders.handle(session, told(order.id, None, State.SUBMITTED))
        row = await session.get_one(WorkOrder, order.id)
        row.state = State.CONFIRMED
    async with shop.session() as session:
        await session.execute(sa.update(outbox_tables.outbox).values(published_at=now()))
    reconciler = Reconciler(systems, every=60)

    async def published_again() -> bool:
        """Whether the outbox has it to publish; it is put back as if a relay had done so."""
        async with shop.session() as session:
            statement = sa.update(outbox_tables.outbox).where(
                outbox_tables.outbox.c.published_at.is_(None)
            )
            rows = await session.execute(
                statement.values(published_at=now()).returning(outbox_tables.outbox.c.id)
            )
            return bool(rows.all())

    tried = []
    for _ in range(5):
        found = await reconciler.look()
        assert "states differ" in {each.kind for each in found}
        tried.append(await published_again())

    assert tried == [True, True, True, False, False]
    assert (
        REGISTRY.get_sample_value("atelier_reconciliation_differences", {"kind": "states differ"})
        == 1
    )


async def test_an_order_that_the_factory_never_heard_of_is_repaired(
    systems: Systems,
    shop: Database,
    mes: Database,
    broker: BrokerConnection,
    partner: Partner,
    settings: Settings,
    start: Start,
) -> None:
    order = await placed(shop, partner)
    start(Relay(shop, broker))
    await all_published(shop)
    assert await waiting(broker, "mes.orders")  # taken out: lost

    found = await systems.differences()
    assert [each.kind for each in found if each.where == order.number] == ["missing in mes"]

    start(mes_consumer(mes, broker, settings))
    await repaired(systems, found, patience=2)
    # What is left is that nobody calculates here.
    await eventually_async(
        systems.differences,
        until=lambda left: {each.kind for each in left} <= {"not answered", "not consumed"},
        describe="nothing is left but what pricing would do",
    )
    async with mes.session() as session:
        assert (await session.get_one(WorkOrder, order.id)).state is State.SUBMITTED


async def test_a_step_of_the_workshop_that_got_lost_is_repaired_with_the_operators_name(
    systems: Systems,
    shop: Database,
    mes: Database,
    broker: BrokerConnection,
    partner: Partner,
    settings: Settings,
    start: Start,
) -> None:
    order = await placed(shop, partner)
    vera = Operator(email=f"{uuid4().hex}@example.org", name="Vera", password_hash="-")
    submitted = told(order.id, None, State.SUBMITTED)
    async with mes.session() as session:
        session.add(vera)
        await work_orders.handle(session, submitted)
        (await session.get_one(WorkOrder, order.id)).state = State.MANUFACTURING_APPROVED
    async with shop.session() as session:
        (await session.get_one(Order, order.id)).state = State.MANUFACTURING_APPROVED
    async with mes.session() as session:
        await work_orders.take(session, submitted.data["number"], vera)
    async with mes.session() as session:
        await session.execute(sa.update(outbox_tables.outbox).values(published_at=now()))
        (await session.get_one(Operator, vera.id)).name = "Vera Summer"  # has married since

    found = await systems.differences()
    assert "states differ" in [each.kind for each in found if each.where == order.number]
    await systems.repair(found)
    start(Relay(mes, broker))
    start(Consumer("shop.orders", orders.handle, shop, broker, retry_delays=settings.retry_delays))

    async def names() -> list[str | None]:
        async with shop.session() as session:
            return [step.actor_name for step in await orders.history(session, order.id)]

    await eventually_async(names, until=lambda told: told == [None, "Vera"])


async def test_an_answer_that_got_lost_is_sent_again(
    systems: Systems,
    shop: Database,
    mes: Database,
    broker: BrokerConnection,
    partner: Partner,
    settings: Settings,
    start: Start,
) -> None:
    order = await placed(shop, partner)
    start(Relay(shop, broker))
    start(mes_consumer(mes, broker, settings))
    await eventually_async(lambda: _found(mes, order.id))
    async with mes.session() as session:
        session.add(
            Calculation(
                order_id=order.id,
                model_checksum=MODEL.checksum,
                metal="gold-585",
                failure_code="not-closed",
                failure="It has a hole.",
            )
        )

    found = await systems.differences()

    assert [(each.kind, each.repairable) for each in found if each.where == order.number] == [
        ("not answered", True)
    ]


async def _found(mes: Database, order_id: UUID) -> WorkOrder | None:
    async with mes.session() as session:
        return await session.get(WorkOrder, order_id)


async def test_each_kind_of_difference_is_named(
    systems: Systems,
    shop: Database,
    mes: Database,
    broker: BrokerConnection,
    partner: Partner,
    settings: Settings,
    start: Start,
) -> None:
    differing, dearer = await placed(shop, partner), await placed(shop, partner)
    relaying, consuming = start(Relay(shop, broker)), start(mes_consumer(mes, broker, settings))
    for order in (differing, dearer):
        await eventually_async(lambda order=order: _found(mes, order.id))  # type: ignore[misc]
    relaying.cancel()
    consuming.cancel()
    async with mes.session() as session:
        (await session.get_one(WorkOrder, differing.id)).state = State.CONFIRMED
        for work_order, price in ((dearer, 2), (differing, 1)):
            row = await session.get_one(WorkOrder, work_order.id)
            row.price, row.state = sa.cast(price, sa.Numeric), State.CONFIRMED
    async with shop.session() as session:
        order = await session.get_one(Order, dearer.id)
        order.price, order.state = sa.cast(1, sa.Numeric), State.CONFIRMED
    stranger = told(uuid4(), None, State.SUBMITTED)
    async with mes.session() as session:
        await work_orders.handle(session, stranger)
    unheard = await placed(shop, partner)
    died = exploded()
    await deliver(broker, "mes.orders", died)
    start(mes_consumer(mes, broker, settings))
    await dead_events(mes, 1)

    found = await systems.differences()

    def about(where: str) -> set[str]:
        return {each.kind for each in found if each.where == where}

    assert about(differing.number) == {"states differ"}
    assert about(dearer.number) == {"prices differ"}
    assert about(stranger.data["number"]) == {"unknown to the shop"}
    assert about(unheard.number) == {"missing in mes"}
    assert [each.kind for each in found if each.order_id == died.order_id] == ["dead letter"]
    assert about(f"outbox of {shop.name}") == {"not published"}


async def test_what_may_be_on_its_way_is_no_difference(
    shop: Database, mes: Database, broker: BrokerConnection, partner: Partner
) -> None:
    await placed(shop, partner)

    assert await Systems(shop, mes, broker, grace=timedelta(minutes=5)).differences() == []
