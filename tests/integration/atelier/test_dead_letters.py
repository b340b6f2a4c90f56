"""Dead letters: what they tell, and what becomes of them when they are replayed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from aio_pika import Message
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.admin import dead_letters
from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.domain.lifecycle import State
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.usecases import work_orders
from tests.integration.atelier import wire
from tests.integration.atelier.background import Start
from tests.integration.atelier.mes_orders import mes_consumer
from tests.integration.atelier.wire import (
    dead_events,
    deliver,
    exploded,
    history,
    told,
)
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


async def test_dead_letters_say_what_died_where_when_and_why(
    shop: Database, mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    unknown = exploded()
    await deliver(broker, "mes.orders", unknown, b"no event")
    start(mes_consumer(mes, broker, settings))
    await dead_events(mes, 2)

    letters = {letter.type: letter for letter in await dead_letters.found(shop, mes)}

    letter = letters["order.exploded"]
    assert (letter.id, letter.queue) == (str(unknown.id), "mes.orders")
    assert letter.order_id == str(unknown.order_id)
    assert letter.attempts == 1
    assert "does not know events of type 'order.exploded'" in letter.reason
    assert timedelta(0) <= now() - letter.died_at < timedelta(minutes=5)
    assert letters["no event"].body == "no event"
    assert len(await dead_letters.found(shop, mes, SUBSCRIPTIONS["mes.orders"])) == 2
    assert await dead_letters.found(shop, mes, SUBSCRIPTIONS["shop.orders"]) == []


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

    replayed = await dead_letters.replay(shop, mes, lambda each: each.id == str(submitted.id))

    assert [letter.id for letter in replayed] == [str(submitted.id)]
    assert await eventually_async(lambda: history(mes, submitted)) == [State.SUBMITTED]
    assert [letter.id for letter in await dead_letters.found(shop, mes)] == [str(other.id)]


async def test_what_is_given_up_and_replayed_dies_again_with_its_new_reason(
    shop: Database, mes: Database, broker: BrokerConnection, settings: Settings, start: Start
) -> None:
    await deliver(broker, "mes.orders", b"no event", exploded())
    start(mes_consumer(mes, broker, settings))
    before = await dead_events(mes, 2)

    await dead_letters.replay(shop, mes, lambda _: True)

    again = await eventually_async(
        lambda: wire.dead_letters(mes),
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
