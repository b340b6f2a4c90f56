from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.shop import Order, Partner
from atelier.domain import promises
from atelier.domain.lifecycle import Owner, State
from atelier.domain.promises import LIMITS, MAKING_TIME
from atelier.messaging.event import Event
from atelier.usecases import orders, overdue, work_orders
from atelier.usecases.overdue import OverdueCheck, look
from tests.integration.atelier.background import Start
from tests.integration.atelier.wire import MODEL
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


async def confirmed(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        order = await orders.place(session, partner.id, MODEL, "gold-585")
    for to, owner in (
        (State.PRICE_CALCULATED, Owner.PRICING),
        (State.CONFIRMED, Owner.PARTNER),
    ):
        async with shop.session() as session:
            order = await orders.move(session, order.id, to, owner=owner, actor=owner)
    return order


async def told(shop: Database) -> list[Event]:
    """What the check has told, oldest first."""
    query = sa.select(outbox_tables.outbox.c.body).where(
        outbox_tables.outbox.c.type.in_(["order.overdue", "order.stalled"])
    )
    async with shop.session() as session:
        rows = await session.scalars(query.order_by(outbox_tables.outbox.c.id))
        return [Event.from_dict(row) for row in rows]


async def look_at(shop: Database, at: datetime) -> list[str]:
    """What a look at this time adds to what has been told."""
    before = len(await told(shop))
    async with shop.session() as session:
        await look(session, at)
    return [event.type for event in (await told(shop))[before:]]


@pytest.mark.parametrize("late", [-MINUTE, MINUTE, timedelta(days=30)])
async def test_rows_are_late_where_an_order_in_hand_is(
    shop: Database, partner: Partner, late: timedelta
) -> None:
    """The rule is `domain.promises`; here it is said once more, for the database."""
    order = await confirmed(shop, partner)
    at, found, expected = now(), {}, {}
    for state in State:
        limit = promises.limit(state)
        since = at - late - (limit or timedelta(0))
        async with shop.session() as session:
            here = sa.update(Order).where(Order.id == order.id)
            await session.execute(here.values(state=state, promised_at=at - late, updated_at=since))
            query = sa.select(overdue.is_overdue(at), overdue.is_stalled(at)).select_from(Order)
            found[state] = tuple((await session.execute(query)).one())
            await session.rollback()
        expected[state] = (
            promises.is_overdue(state, at - late, at),
            promises.is_stalled(state, since, at),
        )

    assert found == expected


async def test_a_broken_promise_is_told_once(shop: Database, partner: Partner) -> None:
    order = await confirmed(shop, partner)
    assert order.promised_at is not None
    # It does not stand still, it is only late.
    async with shop.session() as session:
        late = sa.update(Order).values(updated_at=order.promised_at)
        await session.execute(late)

    assert await look_at(shop, order.promised_at - MINUTE) == []
    assert await look_at(shop, order.promised_at + MINUTE) == ["order.overdue"]
    assert await look_at(shop, order.promised_at + 2 * MINUTE) == []

    [event] = await told(shop)
    assert (str(event.order_id), event.actor) == (str(order.id), "watcher")
    assert event.occurred_at == order.promised_at + MINUTE
    assert event.data["promised_at"] == order.promised_at.isoformat()
    async with shop.session() as session:
        found = await session.get_one(Order, order.id)
    assert found.overdue_at == order.promised_at + MINUTE
    assert found.updated_at == order.promised_at
    assert found.sequence == order.sequence


async def test_an_order_that_stands_still_is_told_once_in_each_state(
    shop: Database, partner: Partner
) -> None:
    order = await confirmed(shop, partner)
    limit = LIMITS[State.CONFIRMED]

    assert await look_at(shop, order.updated_at + limit - MINUTE) == []
    assert await look_at(shop, order.updated_at + limit + MINUTE) == ["order.stalled"]
    assert await look_at(shop, order.updated_at + limit + 2 * MINUTE) == []
    async with shop.session() as session:
        found = await session.get_one(Order, order.id)
        # As if the check had looked a while ago, and somebody has moved the order since.
        found.stalled_at = found.updated_at - MINUTE
    async with shop.session() as session:
        order = await orders.move(
            session,
            order.id,
            State.MANUFACTURING_APPROVED,
            owner=Owner.SELLER,
            actor="seller:1",
        )
    approved = LIMITS[State.MANUFACTURING_APPROVED]
    assert await look_at(shop, order.updated_at + approved + MINUTE) == ["order.stalled"]
    assert [event.data["to"] for event in await told(shop)] == [
        "CONFIRMED",
        "MANUFACTURING_APPROVED",
    ]


async def test_a_new_promise_can_be_broken_anew(shop: Database, partner: Partner) -> None:
    order = await confirmed(shop, partner)
    async with shop.session() as session:
        await session.execute(
            sa.update(Order).values(
                promised_at=now() - timedelta(days=2), overdue_at=now() - timedelta(days=1)
            )
        )
    assert await look_at(shop, now()) == []
    async with shop.session() as session:
        await orders.send_back(session, order.id, actor="seller:1", reason="Thin.")
    assert await look_at(shop, now()) == []
    async with shop.session() as session:
        order = await orders.move(
            session, order.id, State.CONFIRMED, owner=Owner.PARTNER, actor="partner:1"
        )
    assert await look_at(shop, now() + MAKING_TIME - MINUTE) == ["order.stalled"]
    assert await look_at(shop, now() + MAKING_TIME + MINUTE) == ["order.overdue"]


@pytest.mark.parametrize("state", [State.SHIPPED, State.CLOSED, State.CANCELLED])
async def test_a_promise_that_was_kept_or_ended_cannot_be_broken(
    shop: Database, partner: Partner, state: State
) -> None:
    await confirmed(shop, partner)
    async with shop.session() as session:
        await session.execute(sa.update(Order).values(state=state))
    assert await look_at(shop, now() + MAKING_TIME + MINUTE) in ([], ["order.stalled"])
    assert "order.overdue" not in [event.type for event in await told(shop)]


async def test_a_customer_may_take_any_time(shop: Database, partner: Partner) -> None:
    await confirmed(shop, partner)
    async with shop.session() as session:
        await session.execute(sa.update(Order).values(state=State.PRICE_CALCULATED))
    async with shop.session() as session:
        await session.execute(sa.update(Order).values(promised_at=None))
    assert await look_at(shop, datetime(2100, 1, 1, tzinfo=UTC)) == []


async def test_several_checks_tell_it_once(shop: Database, partner: Partner, start: Start) -> None:
    expected = 12
    for _ in range(expected):
        await confirmed(shop, partner)
    long_ago = now() - MAKING_TIME
    async with shop.session() as session:
        await session.execute(sa.update(Order).values(promised_at=long_ago, updated_at=now()))
    for _ in range(3):
        start(OverdueCheck(shop, every=0.01))

    await eventually_async(lambda: told(shop), until=lambda found: len(found) >= expected)
    await asyncio.gather(*(look_at(shop, now()) for _ in range(3)))
    assert {event.type for event in await told(shop)} == {"order.overdue"}
    assert len(await told(shop)) == expected


async def test_the_factory_lets_notices_pass(
    shop: Database, mes: Database, partner: Partner
) -> None:
    order = await confirmed(shop, partner)
    await look_at(shop, now() + 2 * MAKING_TIME)
    [overdue, stalled] = await told(shop)
    async with mes.session() as session:
        await work_orders.handle(session, overdue)
        await work_orders.handle(session, stalled)
        assert await work_orders.by_number(session, order.number) is None
