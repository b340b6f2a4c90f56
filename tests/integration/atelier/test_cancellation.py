"""Orders that are cancelled or sent back, in shop and factory: events are carried by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import Operator
from atelier.data.shop import Order, Partner
from atelier.domain.lifecycle import IllegalTransition, Owner, State
from atelier.domain.promises import MAKING_TIME
from atelier.messaging.event import Event
from atelier.messaging.handler import NotYet
from atelier.usecases import orders, work_orders
from tests.integration.atelier.wire import MODEL

pytestmark = pytest.mark.anyio

PRICED = {
    "volume_mm3": "177.936",
    "weight_g": "2.331",
    "price": "221.27",
    "metal_cost": "143.12",
    "making": "60.15",
    "finish_cost": "18.00",
}


@dataclass
class Post:
    """Carries events between the two databases, in order, as relays and consumers would."""

    shop: Database
    mes: Database
    carried: int = 0
    answered: int = 0

    async def to_factory(self) -> None:
        for event in await self._from(self.shop, self.carried):
            async with self.mes.session() as session:
                await work_orders.handle(session, event)
            self.carried += 1

    async def to_shop(self) -> None:
        for event in await self._from(self.mes, self.answered):
            async with self.shop.session() as session:
                await orders.handle(session, event)
            self.answered += 1

    async def both_ways(self) -> None:
        await self.to_factory()
        await self.to_shop()
        await self.to_factory()

    async def _from(self, database: Database, after: int) -> list[Event]:
        async with database.session() as session:
            rows = await session.scalars(sa.select(outbox_tables.outbox.c.body).order_by("id"))
            return [Event.from_json(json.dumps(body).encode()) for body in rows.all()[after:]]


@pytest.fixture
def post(shop: Database, mes: Database) -> Post:
    return Post(shop, mes)


@pytest.fixture
async def operator(mes: Database) -> Operator:
    operator = Operator(email=f"{uuid4().hex}@example.org", name="Vera", password_hash="-")
    async with mes.session() as session:
        session.add(operator)
    return operator


@pytest.fixture
async def confirmed(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        order = await orders.place(session, partner.id, MODEL, "gold-585")
    async with shop.session() as session:
        await orders.handle(
            session,
            Event(type="pricing.price_calculated", order_id=order.id, actor="pricing", data=PRICED),
        )
    return await _move(shop, order.id, State.CONFIRMED, Owner.PARTNER)


async def _move(shop: Database, order_id: UUID, to: State, owner: Owner) -> Order:
    async with shop.session() as session:
        return await orders.move(session, order_id, to, owner=owner, actor=f"{owner}:{uuid4()}")


async def _cancel(shop: Database, order: Order) -> Order:
    async with shop.session() as session:
        return await orders.cancel(
            session, order.id, owner=Owner.PARTNER, actor="partner:1", reason="no longer wanted"
        )


async def _both(shop: Database, mes: Database, order: Order) -> tuple[list[State], list[State]]:
    """The order's states in the shop and in the factory, oldest first."""
    async with shop.session() as ours, mes.session() as theirs:
        return (
            [line.to_state for line in await orders.history(ours, order.id)],
            [line.to_state for line in await work_orders.history(theirs, order.id)],
        )


async def test_before_it_is_approved_an_order_is_cancelled_at_once(
    shop: Database, mes: Database, post: Post, confirmed: Order
) -> None:
    assert (await _cancel(shop, confirmed)).state is State.CANCELLED

    await post.both_ways()
    ours, theirs = await _both(shop, mes, confirmed)
    assert ours == theirs
    assert ours[-1] is State.CANCELLED
    async with shop.session() as session:
        assert (await orders.history(session, confirmed.id))[-1].reason == "no longer wanted"


async def test_once_it_is_approved_the_factory_is_asked_once_and_agrees(
    shop: Database, mes: Database, post: Post, confirmed: Order
) -> None:
    await _move(shop, confirmed.id, State.MANUFACTURING_APPROVED, Owner.SELLER)
    for _ in range(2):
        asked = await _cancel(shop, confirmed)
        assert (asked.state, asked.cancellation_requested_by) == (
            State.MANUFACTURING_APPROVED,
            "partner:1",
        )

    await post.both_ways()
    ours, theirs = await _both(shop, mes, confirmed)
    assert ours == theirs
    assert ours[-1] is State.CANCELLED
    assert post.answered == 1
    async with shop.session() as session:
        last = (await orders.history(session, confirmed.id))[-1]
        order = await session.get_one(Order, confirmed.id)
    assert (last.actor, last.reason) == ("partner:1", "no longer wanted")
    assert order.cancellation_requested_by is None


async def test_when_an_operator_was_faster_the_order_goes_on(
    shop: Database, mes: Database, post: Post, confirmed: Order, operator: Operator
) -> None:
    await _move(shop, confirmed.id, State.MANUFACTURING_APPROVED, Owner.SELLER)
    await post.to_factory()
    async with mes.session() as session:
        await work_orders.take(session, confirmed.number, operator)
    await _cancel(shop, confirmed)

    await post.both_ways()
    ours, theirs = await _both(shop, mes, confirmed)
    assert ours == theirs
    assert ours[-1] is State.MANUFACTURING_STARTED
    async with shop.session() as session:
        order = await session.get_one(Order, confirmed.id)
    assert order.cancellation_requested_by is None
    assert order.cancellation_refused_at is not None
    with pytest.raises(IllegalTransition):
        await _cancel(shop, confirmed)


async def test_nobody_takes_an_order_that_the_factory_has_let_go(
    shop: Database, mes: Database, post: Post, confirmed: Order, operator: Operator
) -> None:
    await _move(shop, confirmed.id, State.MANUFACTURING_APPROVED, Owner.SELLER)
    await _cancel(shop, confirmed)
    await post.to_factory()

    async with mes.session() as session:
        with pytest.raises(IllegalTransition):
            await work_orders.take(session, confirmed.number, operator)


async def test_a_request_that_overtakes_the_approval_waits_for_it(
    shop: Database, mes: Database, post: Post, confirmed: Order
) -> None:
    await post.to_factory()
    await _move(shop, confirmed.id, State.MANUFACTURING_APPROVED, Owner.SELLER)
    await _cancel(shop, confirmed)
    post.carried += 1  # the approval is late

    with pytest.raises(NotYet):
        await post.to_factory()

    post.carried -= 1
    await post.both_ways()
    ours, theirs = await _both(shop, mes, confirmed)
    assert ours == theirs
    assert ours[-1] is State.CANCELLED


async def test_an_order_that_was_sent_back_is_confirmed_again_with_a_new_promise(
    shop: Database, mes: Database, post: Post, confirmed: Order
) -> None:
    await post.both_ways()
    async with shop.session() as session:
        back = await orders.send_back(
            session, confirmed.id, actor="seller:1", reason="The band is too thin to engrave."
        )
    assert (back.state, back.promised_at) == (State.PRICE_CALCULATED, None)
    again = await _move(shop, confirmed.id, State.CONFIRMED, Owner.PARTNER)
    assert again.promised_at == again.updated_at + MAKING_TIME

    await post.both_ways()
    ours, theirs = await _both(shop, mes, confirmed)
    assert ours == theirs
    assert ours[-2:] == [State.PRICE_CALCULATED, State.CONFIRMED]
    async with mes.session() as session:
        factory = await work_orders.by_number(session, confirmed.number)
        reasons = [line.reason for line in await work_orders.history(session, confirmed.id)]
    assert factory is not None
    assert factory.promised_at == again.promised_at
    assert "The band is too thin to engrave." in reasons
