"""What a consumer does with events that it cannot handle."""

from __future__ import annotations

import time
from itertools import pairwise
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.domain.lifecycle import State
from atelier.messaging import outbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.event import Event
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
)
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


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
