from __future__ import annotations

import asyncio
from itertools import pairwise
from uuid import uuid4

import pytest

from atelier.data.database import Database
from atelier.data.mes import Operator, WorkOrder
from atelier.data.shop import Order, Partner
from atelier.domain.lifecycle import IllegalTransition, Owner, State
from atelier.usecases import orders, work_orders
from tests.integration.atelier.wire import MODEL, told

pytestmark = pytest.mark.anyio

APPROVED = [
    State.SUBMITTED,
    State.PRICE_CALCULATED,
    State.CONFIRMED,
    State.MANUFACTURING_APPROVED,
]


async def approved_work(mes: Database) -> WorkOrder:
    order_id = uuid4()
    async with mes.session() as session:
        for before, to in pairwise([None, *APPROVED]):
            assert to is not None
            await work_orders.handle(session, told(order_id, before, to, price="249.50"))
        return await session.get_one(WorkOrder, order_id)


async def hire(mes: Database, *names: str) -> list[Operator]:
    operators = [
        Operator(email=f"{uuid4().hex}@example.org", name=name, password_hash="-") for name in names
    ]
    async with mes.session() as session:
        session.add_all(operators)
    return operators


async def test_of_two_operators_who_take_one_order_at_once_one_gets_it(mes: Database) -> None:
    number = (await approved_work(mes)).number
    operators = await hire(mes, "Boris", "Vera", "Gleb")
    at_once = asyncio.Barrier(len(operators))

    async def take(operator: Operator) -> Operator:
        async with mes.session() as session:
            await session.connection()
            await at_once.wait()
            await work_orders.take(session, number, operator)
        return operator

    outcomes = await asyncio.gather(*map(take, operators), return_exceptions=True)

    [winner] = [outcome for outcome in outcomes if isinstance(outcome, Operator)]
    refusals = [outcome for outcome in outcomes if not isinstance(outcome, Operator)]
    assert [type(refusal) for refusal in refusals] == [work_orders.AlreadyTaken] * 2
    assert {str(refusal) for refusal in refusals} == {
        f"{number} has already been taken by {winner.name}."
    }
    async with mes.session() as session:
        order = await work_orders.by_number(session, number)
        assert order is not None
        assert order.operator is not None
        assert order.operator.name == winner.name
        states = [line.to_state for line in await work_orders.history(session, order.order_id)]
    assert states == [*APPROVED, State.MANUFACTURING_STARTED]


async def test_another_operator_may_go_on_after_a_change_of_shift(mes: Database) -> None:
    number = (await approved_work(mes)).number
    [early, late] = await hire(mes, "Boris", "Vera")

    async with mes.session() as session:
        await work_orders.take(session, number, early)
    async with mes.session() as session:
        done = await work_orders.complete(session, number, late)

    assert done.state is State.MANUFACTURING_COMPLETED
    assert done.operator_id == early.id


async def test_a_step_that_two_take_at_once_is_taken_once(shop: Database, partner: Partner) -> None:
    async with shop.session() as session:
        order = await orders.place(session, partner.id, MODEL, "gold-585")

    at_once = asyncio.Barrier(4)

    async def cancel(who: str) -> Order:
        async with shop.session() as session:
            await session.connection()
            await at_once.wait()
            return await orders.move(
                session, order.id, State.CANCELLED, owner=Owner.SELLER, actor=who
            )

    outcomes = await asyncio.gather(
        *(cancel(f"seller:{uuid4()}") for _ in range(at_once.parties)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Order) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, IllegalTransition) for outcome in outcomes) == 3
    async with shop.session() as session:
        states = [line.to_state for line in await orders.history(session, order.id)]
    assert states == [State.SUBMITTED, State.CANCELLED]
