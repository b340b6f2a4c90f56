"""What whoever runs the platform does by command: dead letters and reconciliation."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from aio_pika import Message

from atelier import orders, work
from atelier.data.columns import now
from atelier.data.database import Database
from atelier.data.mes import Calculation, WorkOrder
from atelier.data.shop import (
    Order,
    Partner,
)
from atelier.domain.lifecycle import State
from atelier.messaging.broker import Broker
from atelier.messaging.consumer import Consumer
from atelier.messaging.relay import Relay
from atelier.messaging.topology import dead
from atelier.operations import dead_letters
from atelier.operations.reconciliation import Systems, repaired
from atelier.settings import Settings
from tests.integration.atelier.conftest import Start
from tests.integration.atelier.platform_process import command
from tests.integration.atelier.wire import MODEL, all_published, deliver, history, told, waiting
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def systems(shop: Database, mes: Database, broker: Broker) -> Systems:
    return Systems(shop, mes, broker, grace=timedelta(0))


def mes_consumer(mes: Database, broker: Broker, settings: Settings) -> Consumer:
    return Consumer("mes.orders", work.handle, mes, broker, retry_delays=settings.retry_delays)


async def dead_events(broker: Broker, count: int) -> list[dead_letters.DeadLetter]:
    return await eventually_async(
        lambda: dead_letters.found(broker), until=lambda found: len(found) == count
    )


async def placed(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        return await orders.place(session, partner.id, MODEL, "gold-585")


async def test_a_look_at_dead_letters_leaves_them_as_they_are(
    mes: Database, broker: Broker, settings: Settings, start: Start
) -> None:
    early = told(uuid4(), State.PRICE_CALCULATED, State.CONFIRMED)
    await deliver(broker, "mes.orders", early, b"no event")
    start(mes_consumer(mes, broker, settings))

    letters = {letter.type: letter for letter in await dead_events(broker, 2)}

    letter = letters["order.confirmed"]
    assert (letter.id, letter.queue) == (str(early.id), "mes.orders")
    assert letter.order_id == str(early.order_id)
    assert letter.attempts == len(settings.retry_delays) + 1
    assert "came before order.submitted" in letter.reason
    assert letter.died_at is not None
    assert timedelta(0) <= now() - letter.died_at < timedelta(minutes=5)
    assert letters["no event"].body == "no event"
    assert {each.id for each in await dead_letters.found(broker)} == {
        each.id for each in letters.values()
    }


async def test_a_replayed_event_is_handled_once_and_the_others_stay_dead(
    mes: Database, broker: Broker, settings: Settings, start: Start
) -> None:
    order_id = uuid4()
    submitted = told(order_id, None, State.SUBMITTED)
    priced = told(order_id, State.SUBMITTED, State.PRICE_CALCULATED)
    other = told(uuid4(), State.SUBMITTED, State.PRICE_CALCULATED)
    await deliver(broker, "mes.orders", priced, other)
    start(mes_consumer(mes, broker, settings))
    await dead_events(broker, 2)
    await deliver(broker, "mes.orders", submitted)
    await eventually_async(lambda: history(mes, submitted))

    replayed = await dead_letters.replay(broker, lambda letter: letter.id == str(priced.id))

    assert [letter.id for letter in replayed] == [str(priced.id)]
    await eventually_async(
        lambda: history(mes, priced),
        until=lambda states: states == [State.SUBMITTED, State.PRICE_CALCULATED],
    )
    assert [letter.id for letter in await dead_letters.found(broker)] == [str(other.id)]


async def test_what_is_tried_again_or_given_up_keeps_its_trace(
    mes: Database, broker: Broker, settings: Settings, start: Start
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    early = told(uuid4(), State.PRICE_CALCULATED, State.CONFIRMED)
    async with broker.channel() as channel:
        sent = Message(early.to_json(), headers={"traceparent": trace})
        await channel.default_exchange.publish(sent, routing_key="mes.orders")
    consuming = start(mes_consumer(mes, broker, settings))
    await dead_events(broker, 1)
    consuming.cancel()
    await asyncio.wait([consuming])

    await dead_letters.replay(broker, lambda _: True)

    [message] = await waiting(broker, "mes.orders")
    assert message.headers == {"traceparent": trace}


async def test_a_replay_that_is_interrupted_loses_nothing(broker: Broker) -> None:
    events = [told(uuid4(), None, State.SUBMITTED) for _ in range(3)]
    await deliver(broker, dead("mes.orders"), *events)

    def interrupted(letter: dead_letters.DeadLetter) -> bool:
        if letter.id == str(events[1].id):
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        await dead_letters.replay(broker, interrupted)

    left = [letter.id for letter in await dead_letters.found(broker)]
    again = await waiting(broker, "mes.orders")
    assert left == [str(event.id) for event in events[1:]]
    assert len(again) == 1


async def test_an_order_that_the_factory_never_heard_of_is_repaired(
    systems: Systems,
    shop: Database,
    mes: Database,
    broker: Broker,
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
    broker: Broker,
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
    broker: Broker,
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
        row = await session.get_one(Order, dearer.id)
        row.price, row.state = sa.cast(1, sa.Numeric), State.CONFIRMED
    stranger = told(uuid4(), None, State.SUBMITTED)
    async with mes.session() as session:
        await work.handle(session, stranger)
    unheard = await placed(shop, partner)
    died = told(uuid4(), None, State.SUBMITTED)
    await deliver(broker, dead("mes.orders"), died)

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
    shop: Database, mes: Database, broker: Broker, partner: Partner
) -> None:
    await placed(shop, partner)

    assert await Systems(shop, mes, broker, grace=timedelta(minutes=5)).differences() == []


async def test_commands_say_what_they_found_and_did(
    bare_sandbox: Sandbox, shop: Database, broker: Broker, partner: Partner
) -> None:
    died = told(uuid4(), None, State.SUBMITTED)
    await deliver(broker, dead("mes.orders"), died)
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
    [again] = await waiting(broker, "mes.orders")
    assert again.body == died.to_json()


def test_systems_that_agree_end_with_0(bare_sandbox: Sandbox) -> None:
    clean = command(bare_sandbox, "reconcile")

    assert (clean.returncode, clean.stdout) == (0, "All systems agree.\n")


def test_a_replay_has_to_be_told_of_what(bare_sandbox: Sandbox) -> None:
    for words in (("replay",), ("replay", "--id", "nothing"), ("show", "nothing")):
        refused = command(bare_sandbox, "dlq", *words)

        assert refused.returncode == 2
        assert refused.stderr.startswith(("Say which events", "No dead letter has the id nothing"))
