from __future__ import annotations

import asyncio
import random
import time
from itertools import pairwise
from uuid import uuid4

import pytest
import sqlalchemy as sa
from aio_pika import Message
from aio_pika.exceptions import DeliveryError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.domain.lifecycle import State
from atelier.messaging import outbox
from atelier.messaging.applying import Applier
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.messaging.handler import Handler
from atelier.messaging.topology import EVENTS
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.usecases import work_orders
from tests.integration.atelier.background import Start
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

QUEUE = "mes.orders"


def consumer(
    handler: Handler, mes: Database, broker: BrokerConnection, settings: Settings
) -> Consumer:
    return Consumer(QUEUE, handler, mes, broker, retry_delays=settings.retry_delays)


async def count(database: Database, table: sa.Table) -> int:
    async with database.session() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


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


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b"\x00 not an event", "MalformedEvent: Invalid JSON"),
        (b"[1, 2]", "MalformedEvent: Input should be an object"),
        (b'{"id": 7}', "MalformedEvent: the field 'id': UUID input should be a string"),
        (
            Event(type="order.exploded", order_id=uuid4(), actor="test"),
            "Refused: the factory does not know events of type 'order.exploded'",
        ),
    ],
    ids=["no JSON", "no object", "no event", "unknown type"],
)
async def test_what_can_never_be_handled_is_set_aside_with_the_reason(
    mes: Database,
    broker: BrokerConnection,
    settings: Settings,
    start: Start,
    poison: bytes | Event,
    reason: str,
) -> None:
    good = told(uuid4(), None, State.SUBMITTED)
    start(consumer(work_orders.handle, mes, broker, settings))

    await deliver(broker, QUEUE, poison, good)

    [letter] = await eventually_async(lambda: dead_letters(mes))
    body = poison.to_json() if isinstance(poison, Event) else poison
    assert letter.body == body.decode(errors="backslashreplace")
    assert letter.reason.startswith(reason)
    assert letter.attempts == 1
    await eventually_async(lambda: history(mes, good))


async def test_an_error_that_quotes_broken_text_still_reaches_the_dead_letter(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    async def fail(session: AsyncSession, event: Event) -> None:
        raise LookupError("ruby \ud800")

    event = Event(type="order.x", order_id=uuid4(), actor="test")
    start(consumer(fail, mes, broker, settings))

    await deliver(broker, QUEUE, event)

    [letter] = await eventually_async(lambda: dead_letters(mes))
    assert letter.reason == r"LookupError: ruby \ud800"


async def test_a_step_that_the_order_cannot_take_any_more_is_set_aside(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    order_id = uuid4()
    start(consumer(work_orders.handle, mes, broker, settings))

    await deliver(
        broker,
        QUEUE,
        told(order_id, None, State.SUBMITTED),
        told(order_id, State.SUBMITTED, State.PRICING_FAILED),
        told(order_id, State.PRICE_CALCULATED, State.CONFIRMED),
    )

    [letter] = await eventually_async(lambda: dead_letters(mes))
    assert letter.reason == (
        "Refused: told of CONFIRMED, which an order that is PRICING_FAILED cannot reach"
    )


async def test_a_handler_that_keeps_failing_is_tried_with_growing_pauses_and_then_set_aside(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    attempts: list[float] = []

    async def fail(session: AsyncSession, event: Event) -> None:
        attempts.append(time.monotonic())
        await outbox.append(session, told(uuid4(), None, State.SUBMITTED))
        raise LookupError("the vault is locked")

    event = told(uuid4(), None, State.SUBMITTED)
    start(consumer(fail, mes, broker, settings))

    await deliver(broker, QUEUE, event)

    [letter] = await eventually_async(lambda: dead_letters(mes))
    assert letter.body == event.to_json().decode()
    assert letter.reason == "LookupError: the vault is locked"
    assert letter.attempts == len(attempts) == 4
    pauses = [after - before for before, after in pairwise(attempts)]
    assert all(pause >= delay for pause, delay in zip(pauses, settings.retry_delays, strict=True))
    # Nothing of what it had begun is left.
    assert await count(mes, outbox_tables.outbox) == 0


async def test_a_handler_that_fails_once_has_its_effect_once(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    attempts: list[Event] = []

    async def fail_at_first(session: AsyncSession, event: Event) -> None:
        attempts.append(event)
        await work_orders.handle(session, event)
        if len(attempts) == 1:
            raise LookupError("the vault is locked")

    event = told(uuid4(), None, State.SUBMITTED)
    start(consumer(fail_at_first, mes, broker, settings))

    await deliver(broker, QUEUE, event)

    assert await eventually_async(lambda: history(mes, event)) == [State.SUBMITTED]
    assert len(attempts) == 2
    assert not await in_the_inbox(mes)


async def test_while_the_database_is_away_messages_wait_and_lose_no_attempt(
    shop: Database, mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    name = sa.make_url(settings.mes_database).database
    event = told(uuid4(), None, State.SUBMITTED)
    start(consumer(work_orders.handle, mes, broker, settings))
    async with shop.session() as elsewhere:
        await elsewhere.execute(sa.text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
    async with shop.session() as elsewhere:
        await elsewhere.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )

    with capture_logs() as lines:

        async def refusals() -> int:
            return sum(line["event"] == "database away" for line in lines)

        await deliver(broker, QUEUE, event)
        # More often than it would be tried if each refusal counted as an attempt.
        await eventually_async(refusals, until=lambda seen: seen > len(settings.retry_delays) + 1)
    async with shop.session() as elsewhere:
        await elsewhere.execute(sa.text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))

    assert await eventually_async(lambda: history(mes, event)) == [State.SUBMITTED]
    assert not await in_the_inbox(mes)


async def test_a_queue_that_somebody_deleted_is_there_again(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    consuming = consumer(work_orders.handle, mes, broker, settings)
    start(consuming)
    await consuming.consuming.wait()
    other_broker = BrokerConnection(settings.broker, SUBSCRIPTIONS)
    async with other_broker.channel() as channel:
        await channel.queue_delete(QUEUE)
        event = told(uuid4(), None, State.SUBMITTED)
        exchange = await channel.get_exchange(EVENTS, ensure=False)

        async def arrives() -> bool:
            # Until its binding is back, the broker knows no queue for it.
            await exchange.publish(Message(event.to_json()), routing_key=event.type)
            return bool(await history(mes, event))

        await eventually_async(arrives, ignoring=(DeliveryError,))
    await other_broker.close()


async def test_stopping_finishes_the_message_in_hand(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def take_time(session: AsyncSession, event: Event) -> None:
        begun.set()
        await go_on.wait()
        await work_orders.handle(session, event)

    event = told(uuid4(), None, State.SUBMITTED)
    consuming = start(consumer(take_time, mes, broker, settings))
    await deliver(broker, QUEUE, event)
    await begun.wait()

    consuming.cancel()
    go_on.set()
    await asyncio.wait([consuming])

    assert await history(mes, event) == [State.SUBMITTED]
    assert not await waiting(broker, QUEUE)


async def test_a_message_that_is_in_hand_when_the_broker_goes_comes_back(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    attempts: list[Event] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail_at_first(session: AsyncSession, event: Event) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            begun.set()
            await go_on.wait()
            raise LookupError("the vault is locked")
        await work_orders.handle(session, event)

    event = told(uuid4(), None, State.SUBMITTED)
    start(consumer(fail_at_first, mes, broker, settings))
    await deliver(broker, QUEUE, event)
    await begun.wait()

    await broker.close()
    go_on.set()

    assert await eventually_async(lambda: history(mes, event)) == [State.SUBMITTED]
    assert len(attempts) == 2


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


async def test_what_the_database_refuses_for_one_event_only_holds_up_no_other(
    mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    async def refuse_some(session: AsyncSession, event: Event) -> None:
        if event.data["number"].startswith("AT-X"):
            # What PostgreSQL says of a statement that is beyond its means looks like its absence.
            raise sa.exc.OperationalError("SELECT", {}, Exception("stack depth limit exceeded"))
        await work_orders.handle(session, event)

    poison, good = told(uuid4(), None, State.SUBMITTED), told(uuid4(), None, State.SUBMITTED)
    poison.data["number"] = "AT-X"
    start(consumer(refuse_some, mes, broker, settings))

    await deliver(broker, QUEUE, *[poison] * 30, good)

    assert await eventually_async(lambda: history(mes, good)) == [State.SUBMITTED]
    [letter] = await eventually_async(lambda: dead_letters(mes))
    assert letter.reason.startswith("OperationalError")
