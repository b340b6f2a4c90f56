"""What a consumer does when a server goes away, or it is stopped itself."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa
from aio_pika import Message
from aio_pika.exceptions import DeliveryError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from atelier.data.database import Database
from atelier.domain.lifecycle import State
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.event import Event
from atelier.messaging.topology import EVENTS
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.usecases import work_orders
from tests.integration.atelier.background import Start
from tests.integration.atelier.mes_orders import QUEUE, consumer
from tests.integration.atelier.wire import (
    deliver,
    history,
    in_the_inbox,
    told,
    waiting,
)
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


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
