from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import WorkOrder, WorkOrderHistory
from atelier.data.shop import Partner
from atelier.domain.lifecycle import State
from atelier.messaging import outbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.messaging.relay import Relay
from atelier.messaging.topology import EVENTS
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.usecases import orders, work_orders
from tests.integration.atelier.background import Start
from tests.integration.atelier.wire import MODEL, deliver, history, told, waiting
from touchstone.private_servers import PrivateBroker
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

ACTIVE_RELAY = sa.text(
    # pg_locks tells of all databases of the server, and so of other sandboxes.
    """
    SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND granted
    """
)


async def append(database: Database, *events: Event) -> None:
    async with database.session() as session:
        for event in events:
            await outbox.append(session, event)


async def unpublished(database: Database) -> list[UUID]:
    query = sa.select(outbox_tables.outbox.c.event_id).where(
        outbox_tables.outbox.c.published_at.is_(None)
    )
    async with database.session() as session:
        return list(await session.scalars(query.order_by(outbox_tables.outbox.c.id)))


async def test_an_event_leaves_only_with_the_transaction_that_made_it(
    shop: Database, broker: BrokerConnection, start: Start
) -> None:
    undone, done = (told(uuid4(), None, State.SUBMITTED) for _ in range(2))
    async with shop.session() as session:
        await outbox.append(session, undone)
        await session.rollback()
    await append(shop, done)

    start(Relay(shop, broker))

    [message] = await eventually_async(lambda: waiting(broker, "mes.orders"))
    assert Event.from_json(message.body) == done
    assert message.message_id == str(done.id)
    assert message.routing_key == message.type == "order.submitted"


async def test_the_relay_is_woken_by_the_commit(
    shop: Database, broker: BrokerConnection, start: Start
) -> None:
    start(Relay(shop, broker, look_every=3600))
    # One after another, so that each finds the relay asleep.
    for _ in range(3):
        await append(shop, told(uuid4(), None, State.SUBMITTED))
        await eventually_async(lambda: waiting(broker, "mes.orders"))


async def test_events_leave_in_the_order_of_the_outbox(
    shop: Database, broker: BrokerConnection, start: Start
) -> None:
    # More than one batch, before the relay starts and while it runs.
    events = [told(uuid4(), None, State.SUBMITTED) for _ in range(250)]
    await append(shop, *events[:210])
    start(Relay(shop, broker))
    for event in events[210:]:
        await append(shop, event)

    await eventually_async(lambda: unpublished(shop), until=lambda left: not left)
    left = [message.message_id for message in await waiting(broker, "mes.orders")]
    assert left == [str(event.id) for event in events]


async def test_of_two_relays_one_publishes_and_the_other_takes_over(
    shop: Database, settings: Settings, start: Start
) -> None:
    brokers = [BrokerConnection(settings.broker, SUBSCRIPTIONS) for _ in range(2)]
    for broker in brokers:
        start(Relay(shop, broker))
    first = [told(uuid4(), None, State.SUBMITTED) for _ in range(30)]
    await append(shop, *first)
    await eventually_async(lambda: unpublished(shop), until=lambda left: not left)

    async with shop.session() as session:
        [active] = await session.scalars(ACTIVE_RELAY)
        await session.execute(sa.select(sa.func.pg_terminate_backend(active)))
    second = [told(uuid4(), None, State.SUBMITTED) for _ in range(30)]
    await append(shop, *second)
    await eventually_async(lambda: unpublished(shop), until=lambda left: not left)

    async with shop.session() as session:
        assert (await session.scalars(ACTIVE_RELAY)).one() != active
    published = [message.message_id for message in await waiting(brokers[0], "mes.orders")]
    assert published == [str(event.id) for event in [*first, *second]]
    for broker in brokers:
        await broker.close()


async def test_an_event_that_no_queue_wants_stays_until_one_does(
    shop: Database, broker: BrokerConnection, start: Start
) -> None:
    unwanted = Event(type="nobody.listens", order_id=uuid4(), actor="test")
    later = told(unwanted.order_id, None, State.SUBMITTED)
    with capture_logs() as lines:

        async def attempts() -> int:
            return max((line.get("attempts", 0) for line in lines), default=0)

        start(Relay(shop, broker))
        await append(shop, unwanted)
        await eventually_async(attempts)
        # It holds up the later events of its order.
        await append(shop, later)
        await eventually_async(attempts, until=lambda so_far: so_far >= 3)
    assert await unpublished(shop) == [unwanted.id, later.id]

    async with broker.channel() as channel:
        listener = await channel.declare_queue("listener", durable=True)
        await listener.bind(EVENTS, "nobody.#")
    await eventually_async(lambda: unpublished(shop), until=lambda left: not left)
    [message] = await waiting(broker, "listener")
    assert message.message_id == str(unwanted.id)
    [message] = await waiting(broker, "mes.orders")
    assert message.message_id == str(later.id)


async def test_events_that_no_queue_wants_hold_up_no_other_orders(
    shop: Database, broker: BrokerConnection, start: Start
) -> None:
    # More of them than fit into a batch.
    unwanted = [Event(type="nobody.listens", order_id=uuid4(), actor="test") for _ in range(150)]
    await append(shop, *unwanted)
    start(Relay(shop, broker))
    for _ in range(3):
        await append(shop, told(uuid4(), None, State.SUBMITTED))
        await eventually_async(lambda: waiting(broker, "mes.orders"))
    # A message can be taken before the relay has marked its event.
    await eventually_async(
        lambda: unpublished(shop), until=lambda left: left == [event.id for event in unwanted]
    )


async def test_a_relay_that_dies_before_its_mark_publishes_twice_but_it_counts_once(
    shop: Database, mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    event = told(uuid4(), None, State.SUBMITTED)
    await append(shop, event)
    async with broker.channel() as channel:
        witness = await channel.declare_queue("witness", durable=True)
        await witness.bind(EVENTS, "order.#")

    async with shop.session() as session:
        # Whoever holds the row keeps the relay from marking it.
        await session.execute(sa.select(outbox_tables.outbox).with_for_update())
        start(Relay(shop, broker))
        [message] = await eventually_async(lambda: waiting(broker, "witness"))
        assert message.message_id == str(event.id)
        async with shop.session() as other:
            [active] = await other.scalars(ACTIVE_RELAY)
            await other.execute(sa.select(sa.func.pg_terminate_backend(active)))

    await eventually_async(lambda: unpublished(shop), until=lambda left: not left)
    [again] = await waiting(broker, "witness")
    assert again.message_id == str(event.id)
    # Both copies are in the queue, and after them:
    last = told(uuid4(), None, State.SUBMITTED)
    await deliver(broker, "mes.orders", last)
    consuming = start(
        Consumer("mes.orders", work_orders.handle, mes, broker, retry_delays=settings.retry_delays)
    )
    await eventually_async(lambda: history(mes, last))
    consuming.cancel()  # it finishes what it has in hand
    await asyncio.wait([consuming])
    assert not await waiting(broker, "mes.orders")
    assert len(await history(mes, event)) == 1


async def test_a_broker_restart_loses_nothing_and_doubles_nothing(
    shop: Database,
    mes: Database,
    partner: Partner,
    settings: Settings,
    private_broker: PrivateBroker,
    start: Start,
) -> None:
    broker = BrokerConnection(private_broker.amqp, SUBSCRIPTIONS)
    consumer = Consumer(
        "mes.orders", work_orders.handle, mes, broker, retry_delays=settings.retry_delays
    )
    start(consumer)
    start(Relay(shop, broker))
    placed: list[UUID] = []

    async def place(how_many: int) -> None:
        for _ in range(how_many):
            async with shop.session() as session:
                order = await orders.place(session, partner.id, MODEL, "gold-585")
            placed.append(order.id)

    await place(40)
    await asyncio.gather(place(40), asyncio.to_thread(private_broker.stop))
    await place(40)
    assert len(await unpublished(shop)) >= 40
    await asyncio.gather(place(40), asyncio.to_thread(private_broker.start))
    await place(40)

    await eventually_async(
        lambda: unpublished(shop), until=lambda left: not left, show=len, timeout=30
    )

    async def known() -> set[UUID]:
        async with mes.session() as session:
            return set(await session.scalars(sa.select(WorkOrder.order_id)))

    assert await eventually_async(
        known, until=lambda found: len(found) >= len(placed), show=len, timeout=30
    ) == set(placed)
    async with mes.session() as session:
        history = (await session.scalars(sa.select(WorkOrderHistory))).all()
        consumed = set(await session.scalars(sa.select(outbox_tables.consumed_event.c.event_id)))
    async with shop.session() as session:
        made = set(await session.scalars(sa.select(outbox_tables.outbox.c.event_id)))
    assert consumed == made
    assert sorted(line.order_id for line in history) == sorted(placed)
    # Nobody took these while the broker was away: they were on its disk.
    kept = {UUID(each.message_id) for each in await waiting(broker, "pricing.calculations")}
    assert kept == made
    await broker.close()
