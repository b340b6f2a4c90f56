"""Events that come twice, late or before their time have the effect of the right ones."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.domain.lifecycle import State
from atelier.messaging.applying import Applier
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.event import Event
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.usecases import work_orders
from tests.integration.atelier.background import Start
from tests.integration.atelier.mes_orders import QUEUE, consumer, count
from tests.integration.atelier.wire import (
    dead_letters,
    deliver,
    history,
    in_the_inbox,
    told,
    waiting,
)
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


async def test_copies_that_are_handled_at_the_same_time_have_one_effect(
    mes: Database, settings: Settings, start: Start
) -> None:
    calls: list[Event] = []

    async def handle(session: AsyncSession, event: Event) -> None:
        calls.append(event)
        await work_orders.handle(session, event)

    brokers = [BrokerConnection(settings.broker, SUBSCRIPTIONS) for _ in range(3)]
    event = told(uuid4(), None, State.SUBMITTED)
    await deliver(brokers[0], QUEUE, *[event] * 60)
    consuming = [start(consumer(handle, mes, broker, settings)) for broker in brokers]

    last = told(uuid4(), None, State.SUBMITTED)
    await deliver(brokers[0], QUEUE, last)
    await eventually_async(lambda: history(mes, last))
    for task in consuming:
        task.cancel()  # it finishes what it has in hand
    await asyncio.wait(consuming)

    assert not await waiting(brokers[0], QUEUE)
    assert calls.count(event) == 1
    assert await history(mes, event) == [State.SUBMITTED]
    for broker in brokers:
        await broker.close()


@pytest.mark.parametrize("seed", range(5))
async def test_reordered_and_repeated_events_end_where_the_right_order_does(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start, seed: int
) -> None:
    path = [
        State.SUBMITTED,
        State.PRICE_CALCULATED,
        State.CONFIRMED,
        State.MANUFACTURING_APPROVED,
    ]
    order_id = uuid4()
    events = [told(order_id, None, State.SUBMITTED)]
    events += [told(order_id, before, to, price="249.50") for before, to in pairwise(path)]
    shuffled = random.Random(seed).sample(events * 2, k=8)
    start(consumer(work_orders.handle, mes, broker, settings))

    await deliver(broker, QUEUE, *shuffled)

    assert (
        await eventually_async(
            lambda: history(mes, events[0]), until=lambda states: len(states) >= len(path)
        )
        == path
    )
    async with mes.session() as session:
        order = await work_orders.by_number(session, events[0].data["number"])
    assert order is not None
    assert str(order.price) == "249.50"
    assert await count(mes, outbox_tables.consumed_event) == len(events)
    assert not await in_the_inbox(mes)


async def test_an_old_event_under_a_new_id_changes_nothing(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    order_id = uuid4()
    submitted = told(order_id, None, State.SUBMITTED)
    priced = told(order_id, State.SUBMITTED, State.PRICE_CALCULATED, price="10.00")
    priced_again = told(order_id, State.SUBMITTED, State.PRICE_CALCULATED, price="99.00")
    submitted_again = told(order_id, None, State.SUBMITTED)
    start(consumer(work_orders.handle, mes, broker, settings))

    await deliver(broker, QUEUE, submitted, priced, priced_again, submitted_again)

    await eventually_async(lambda: count(mes, outbox_tables.consumed_event), until=lambda n: n == 4)
    assert await history(mes, submitted) == [State.SUBMITTED, State.PRICE_CALCULATED]
    async with mes.session() as session:
        order = await work_orders.by_number(session, submitted.data["number"])
    assert order is not None
    assert str(order.price) == "10.00"


async def test_an_event_waits_for_an_earlier_one_for_as_long_as_that_takes(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    order_id = uuid4()
    submitted = told(order_id, None, State.SUBMITTED)
    priced = told(order_id, State.SUBMITTED, State.PRICE_CALCULATED, price="10.00")
    confirmed = told(order_id, State.PRICE_CALCULATED, State.CONFIRMED, price="10.00")
    looks: list[Event] = []

    async def look(session: AsyncSession, event: Event) -> None:
        looks.append(event)
        await work_orders.handle(session, event)

    async def times_looked() -> int:
        return looks.count(confirmed)

    start(consumer(look, mes, broker, settings))
    await deliver(broker, QUEUE, confirmed, priced)
    # Longer than it would take to give up what fails.
    most = len(settings.retry_delays) + 1
    await eventually_async(times_looked, until=lambda times: times > most, timeout=60)
    assert not await dead_letters(mes)

    await deliver(broker, QUEUE, submitted)

    await eventually_async(
        lambda: history(mes, submitted),
        until=lambda states: states == [State.SUBMITTED, State.PRICE_CALCULATED, State.CONFIRMED],
        describe="the two that came early follow",
    )
    assert not await in_the_inbox(mes)


async def test_what_waits_needs_no_broker_and_no_process_that_has_seen_it_come(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    event = told(uuid4(), None, State.SUBMITTED)

    async def fail(session: AsyncSession, event: Event) -> None:
        raise LookupError("the vault is locked")

    failing = start(consumer(fail, mes, broker, settings))
    await deliver(broker, QUEUE, event)
    await eventually_async(lambda: in_the_inbox(mes))
    failing.cancel()
    await asyncio.wait([failing])
    assert not await waiting(broker, QUEUE)

    nowhere = BrokerConnection("amqp://guest:guest@127.0.0.1:1/", SUBSCRIPTIONS)
    start(consumer(work_orders.handle, mes, nowhere, settings))

    await eventually_async(lambda: history(mes, event))
    assert not await in_the_inbox(mes)


async def test_what_another_process_has_in_hand_is_not_asked_for_in_a_hurry(
    mes: Database, settings: Settings
) -> None:
    """A process that is frozen in the middle of a row must not have the others spin on it."""

    async def fail(session: AsyncSession, event: Event) -> None:
        raise LookupError("the vault is locked")

    applier = Applier(QUEUE, fail, mes, (0.0, *settings.retry_delays))
    await applier.apply(told(uuid4(), None, State.SUBMITTED), None)
    async with mes.session() as elsewhere:
        await elsewhere.execute(sa.select(outbox_tables.inbox).with_for_update())

        assert await applier._work_off() >= 0.1
