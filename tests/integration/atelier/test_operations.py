"""What whoever runs the platform does by command: dead letters and reconciliation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from aio_pika import Message
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.admin import dead_letters as operations
from atelier.admin.reconciler import Reconciler
from atelier.admin.reconciliation import Systems, repaired
from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import Calculation, WorkOrder
from atelier.data.shop import (
    Order,
    Partner,
)
from atelier.domain.lifecycle import State
from atelier.messaging import inbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.messaging.handler import Refused
from atelier.messaging.inbox import DeadLetter
from atelier.messaging.relay import Relay
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.telemetry.metrics import REGISTRY
from atelier.usecases import orders, work_orders
from tests.integration.atelier.background import Start
from tests.integration.atelier.platform_process import command
from tests.integration.atelier.wire import (
    MODEL,
    all_published,
    dead_letters,
    deliver,
    history,
    in_the_inbox,
    told,
    waiting,
)
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def systems(shop: Database, mes: Database, broker: BrokerConnection) -> Systems:
    return Systems(shop, mes, broker, grace=timedelta(0))


def mes_consumer(mes: Database, broker: BrokerConnection, settings: Settings) -> Consumer:
    return Consumer(
        "mes.orders", work_orders.handle, mes, broker, retry_delays=settings.retry_delays
    )


async def dead_events(mes: Database, count: int) -> Sequence[DeadLetter]:
    return await eventually_async(
        lambda: dead_letters(mes), until=lambda found: len(found) == count
    )


async def placed(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        return await orders.place(session, partner.id, MODEL, "gold-585")


def exploded(order_id: UUID | None = None) -> Event:
    """An event that no consumer knows."""
    return Event(type="order.exploded", order_id=order_id or uuid4(), actor="test")


async def test_dead_letters_say_what_died_where_when_and_why(
    shop: Database, mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    unknown = exploded()
    await deliver(broker, "mes.orders", unknown, b"no event")
    start(mes_consumer(mes, broker, settings))
    await dead_events(mes, 2)

    letters = {letter.type: letter for letter in await operations.found(shop, mes)}

    letter = letters["order.exploded"]
    assert (letter.id, letter.queue) == (str(unknown.id), "mes.orders")
    assert letter.order_id == str(unknown.order_id)
    assert letter.attempts == 1
    assert "does not know events of type 'order.exploded'" in letter.reason
    assert timedelta(0) <= now() - letter.died_at < timedelta(minutes=5)
    assert letters["no event"].body == "no event"
    assert len(await operations.found(shop, mes, SUBSCRIPTIONS["mes.orders"])) == 2
    assert await operations.found(shop, mes, SUBSCRIPTIONS["shop.orders"]) == []


async def test_a_replayed_event_is_handled_once_and_the_others_stay_dead(
    shop: Database, mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    submitted, other = told(uuid4(), None, State.SUBMITTED), exploded()
    is_locked = True

    async def handle(session: AsyncSession, event: Event) -> None:
        if is_locked:
            raise LookupError("the vault is locked")
        await work_orders.handle(session, event)

    start(Consumer("mes.orders", handle, mes, broker, retry_delays=settings.retry_delays))
    await deliver(broker, "mes.orders", submitted, other)
    await dead_events(mes, 2)
    is_locked = False

    replayed = await operations.replay(shop, mes, lambda each: each.id == str(submitted.id))

    assert [letter.id for letter in replayed] == [str(submitted.id)]
    assert await eventually_async(lambda: history(mes, submitted)) == [State.SUBMITTED]
    assert [letter.id for letter in await operations.found(shop, mes)] == [str(other.id)]


async def test_what_is_given_up_and_replayed_dies_again_with_its_new_reason(
    shop: Database, mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    await deliver(broker, "mes.orders", b"no event", exploded())
    start(mes_consumer(mes, broker, settings))
    before = await dead_events(mes, 2)

    await operations.replay(shop, mes, lambda _: True)

    again = await eventually_async(
        lambda: dead_letters(mes),
        until=lambda found: (
            len(found) == 2
            and all(new.died_at > old.died_at for new, old in zip(found, before, strict=True))
        ),
    )
    assert [letter.reason for letter in again] == [letter.reason for letter in before]


async def test_what_waits_keeps_its_trace(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    early = told(uuid4(), State.PRICE_CALCULATED, State.CONFIRMED)
    async with broker.channel() as channel:
        sent = Message(early.to_json(), headers={"traceparent": trace})
        await channel.default_exchange.publish(sent, routing_key="mes.orders")
    start(mes_consumer(mes, broker, settings))

    async def kept() -> Sequence[str | None]:
        async with mes.session() as session:
            return (await session.scalars(sa.select(outbox_tables.inbox.c.traceparent))).all()

    assert await eventually_async(kept) == [trace]


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


async def test_commands_say_what_they_found_and_did(
    bare_sandbox: Sandbox, shop: Database, mes: Database, partner: Partner
) -> None:
    died = exploded()
    async with mes.session() as session:
        given_up = inbox.setback(Refused("nobody knows it"), 0, ())
        await inbox.keep(session, "mes.orders", died, given_up)
    order = await placed(shop, partner)

    listed = await asyncio.to_thread(command, bare_sandbox, "dlq", "list")
    assert str(died.id) in listed.stdout
    assert "mes.orders" in listed.stdout
    unclean = await asyncio.to_thread(command, bare_sandbox, "reconcile", "--grace", "0", "--json")
    assert unclean.returncode == 1
    kinds = {(each["where"], each["kind"]) for each in json.loads(unclean.stdout)}
    assert {("mes.orders", "dead letter"), (order.number, "missing in mes")} <= kinds
    replayed = await asyncio.to_thread(command, bare_sandbox, "dlq", "replay", "--all")
    assert "1 replayed" in replayed.stdout
    assert not await dead_letters(mes)
    assert await in_the_inbox(mes) == ["Refused: nobody knows it"]


def test_systems_that_agree_end_with_0(bare_sandbox: Sandbox) -> None:
    clean = command(bare_sandbox, "reconcile")

    assert (clean.returncode, clean.stdout) == (0, "All systems agree.\n")


def test_a_replay_has_to_be_told_of_what(bare_sandbox: Sandbox) -> None:
    for words in (("replay",), ("replay", "--id", "nothing"), ("show", "nothing")):
        refused = command(bare_sandbox, "dlq", *words)

        assert refused.returncode == 2
        assert refused.stderr.startswith(("Say which events", "No dead letter has the id nothing"))
