"""What people do and what happens to messages, in any order, and what must be so in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule

from atelier.data import outbox_tables
from atelier.data.mes import Calculation, Operator, WorkOrder
from atelier.data.shop import Customer, Email, Order, Partner
from atelier.domain.delivery import AddressFixed
from atelier.domain.finishes import FINISHES
from atelier.domain.lifecycle import (
    FACTORY_STEPS,
    SENT_BACK,
    IllegalTransition,
    Owner,
    State,
    is_legal,
)
from atelier.domain.metals import METALS
from atelier.mail.kinds import Kind
from atelier.partner.intake import Replacement, replace_model
from atelier.services import SUBSCRIPTIONS
from atelier.storage.model_store import StoredModel
from atelier.usecases import delivery, orders, work_orders
from tests.integration.atelier.driven_platform import Placed, Platform
from tests.integration.atelier.order_ways import GOING_WELL, LETTERS, Held, address_in

REFUSALS = (
    *(IllegalTransition, AddressFixed),
    *(work_orders.WorkOrderNotFound, work_orders.AlreadyTaken),
)


class OrderFlow(RuleBasedStateMachine):
    """`platform` and who is there are set by the test."""

    platform: Platform
    customer: Customer
    partner: Partner
    operators: Sequence[Operator]
    files: dict[str, StoredModel]

    placed = Bundle("placed")

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[Placed, Counter[State]] = {}
        self.sent_back: Counter[Placed] = Counter()
        self.asked_to_cancel: set[Placed] = set()
        self.held_back: list[Held] = []
        self.platform.run(self.platform.forget_all())

    # People

    @rule(
        target=placed,
        model=st.sampled_from(["ring", "ring", "ring", "ring with a hole"]),
        metal=st.sampled_from(list(METALS)),
        finish=st.sampled_from(list(FINISHES)),
        goes_as_far_as=st.sampled_from([State.SUBMITTED, State.SUBMITTED, State.INITIATED]),
    )
    def customer_orders(self, model: str, metal: str, finish: str, goes_as_far_as: State) -> Placed:
        return self._customer_orders(model, metal, finish, goes_as_far_as)

    def _customer_orders(self, model: str, metal: str, finish: str, until: State) -> Placed:
        actor = f"customer:{self.customer.id}"

        async def order() -> Order:
            shop = self.platform.shop
            async with shop.session() as session:
                started = await orders.start(session, self.customer.id)
            if until is State.SUBMITTED:
                async with shop.session() as session:
                    await orders.attach_model(session, started, self.files[model], actor)
                async with shop.session() as session:
                    await orders.submit(session, started, metal, finish, actor)
            return started

        made = self.platform.run(order())
        return self._accepted(Placed(made.id, made.number, Owner.CUSTOMER), until)

    @rule(target=placed, model=st.sampled_from(["ring", "ring", "ring with a hole"]))
    def partner_orders(self, model: str) -> Placed:
        async def order() -> Order:
            async with self.platform.shop.session() as session:
                return await orders.place(session, self.partner.id, self.files[model], "silver-925")

        made = self.platform.run(order())
        return self._accepted(Placed(made.id, made.number, Owner.PARTNER), State.SUBMITTED)

    @rule(order=placed, model=st.sampled_from(["ring", "ring with a hole"]))
    def customer_submits_another_model(self, order: Placed, model: str) -> None:
        actor = f"customer:{self.customer.id}"

        async def replace() -> None:
            shop = self.platform.shop
            async with shop.session() as session:
                found = await session.get_one(Order, order.id)
                await orders.attach_model(session, found, self.files[model], actor)
            async with shop.session() as session:
                await orders.submit(session, found, "gold-750", "satin", actor)

        if order.owner is Owner.CUSTOMER and self._attempt(replace()):
            self.told[order][State.SUBMITTED] += 1

    @rule(order=placed, model=st.sampled_from(["ring", "ring with a hole"]))
    def partner_sends_another_model(self, order: Placed, model: str) -> None:
        replacement = Replacement(
            self.partner.id, uuid4().hex, order.id, self.files[model], "gold-585", ""
        )
        if order.owner is Owner.PARTNER and self._attempt(
            replace_model(self.platform.shop, replacement)
        ):
            self.told[order][State.SUBMITTED] += 1

    @rule(order=placed)
    def owner_confirms(self, order: Placed) -> None:
        self._shop_step(order, State.CONFIRMED, order.owner)

    @rule(order=placed, house=st.integers(1, 5), seller=st.booleans())
    def somebody_changes_theaddress_in(self, order: Placed, house: int, seller: bool) -> None:
        owner = Owner.SELLER if seller else order.owner

        async def change() -> object:
            async with self.platform.shop.session() as session:
                return await delivery.change_address(
                    session, order.id, address_in(house), owner=owner, actor=f"{owner}:1"
                )

        self._attempt(change())

    @rule(order=placed)
    def seller_approves(self, order: Placed) -> None:
        self._shop_step(order, State.MANUFACTURING_APPROVED, Owner.SELLER)

    @rule(order=placed)
    def seller_closes(self, order: Placed) -> None:
        self._shop_step(order, State.CLOSED, Owner.SELLER)

    @rule(order=placed)
    def seller_sends_back(self, order: Placed) -> None:
        async def send_back() -> object:
            async with self.platform.shop.session() as session:
                return await orders.send_back(
                    session, order.id, actor="seller:1", reason="The prongs are thin."
                )

        if self._attempt(send_back()):
            self.sent_back[order] += 1

    @rule(order=placed, seller=st.booleans())
    def somebody_cancels(self, order: Placed, seller: bool) -> None:
        self._attempt(self._cancel(order, Owner.SELLER if seller else order.owner))

    @rule(order=placed, to=st.sampled_from(FACTORY_STEPS), who=st.sampled_from([0, 1]))
    def operator_works(self, order: Placed, to: State, who: int) -> None:
        self._attempt(self._work(order, to, who))

    @rule(order=placed)
    def all_reach_for_it_at_once(self, order: Placed) -> None:
        """Whoever ordered cancels, and two operators take; if it can come so far, when it has been
        approved, and all of them see that."""
        self._lead(order, hops=3, until=State.MANUFACTURING_APPROVED)
        self._arrives(order)

        async def at_once() -> None:
            outcomes = await asyncio.gather(
                self._cancel(order, order.owner),
                self._work(order, State.MANUFACTURING_STARTED, 0),
                self._work(order, State.MANUFACTURING_STARTED, 1),
                return_exceptions=True,
            )
            for outcome in outcomes:
                if isinstance(outcome, BaseException) and not isinstance(outcome, REFUSALS):
                    raise outcome

        self.platform.run(at_once())

    @rule(order=placed, seed=st.integers(0, 5))
    def the_factory_hears_of_several_steps_in_any_order(self, order: Placed, seed: int) -> None:
        """They were made faster than anybody listened."""
        self._lead(order, hops=1, until=State.PRICE_CALCULATED)
        self._arrives(order)
        self.owner_confirms(order)
        self.seller_sends_back(order)
        self.owner_confirms(order)
        self.seller_approves(order)
        self.platform.run(self.platform.let_through(["relay of shop"], lose_the_connection=False))
        self.a_queue_gets_out_of_order("mes.orders", seed)

    @rule(order=placed, hops=st.integers(1, 4))
    def it_goes_on(self, order: Placed, hops: int) -> None:
        """All that has been told arrives, and whoever's turn it is does the next step."""
        self._lead(order, hops)

    # What is approved can go several ways: two, three of them before the other side hears of it.
    @rule(target=placed, hops=st.sampled_from([1, 2, 2, 2, 3, 5, 6, 7]))
    def an_order_has_come_far(self, hops: int) -> Placed:
        order = self._customer_orders("ring", "gold-585", "satin", State.SUBMITTED)
        self._lead(order, hops)
        self._arrives(order)
        return order

    def _lead(self, order: Placed, hops: int, until: State | None = None) -> None:
        """The next steps, each as soon as what was told before has arrived."""
        for _ in range(hops):
            self._arrives(order)
            state = self.platform.run(self._state(order))
            to = GOING_WELL.get(state)
            if to is None or state is until:
                return
            if to in FACTORY_STEPS:
                done = self._attempt(self._work(order, to, 0))
            else:
                owner = order.owner if to is State.CONFIRMED else Owner.SELLER
                done = self._shop_step(order, to, owner)
            assert done, f"{order.number} should become {to}, but that was refused"

    def _arrives(self, order: Placed) -> None:
        self.what_was_held_back_comes()
        self.platform.run(self.platform.let_all_through([order]))

    # Messages

    @rule(data=st.data(), connection_is_lost=st.integers(0, 5).map(lambda chance: chance == 5))
    def some_parts_run(self, data: st.DataObject, connection_is_lost: bool) -> None:
        parts = data.draw(
            st.lists(st.sampled_from(sorted(self.platform.parts)), min_size=1, unique=True)
        )
        self.platform.run(self.platform.let_through(parts, lose_the_connection=connection_is_lost))

    @rule(which=st.integers(0, 30))
    def an_event_is_published_again(self, which: int) -> None:
        self.platform.run(self.platform.publish_again(which))

    @rule(queue=st.sampled_from(sorted(SUBSCRIPTIONS)), seed=st.integers(0, 3))
    def a_queue_gets_out_of_order(self, queue: str, seed: int) -> None:
        async def shuffle() -> None:
            found = await self.platform.take_out(queue)
            Random(seed).shuffle(found)
            await self.platform.put_back(queue, found)

        self.platform.run(shuffle())

    @rule(queue=st.sampled_from(sorted(SUBSCRIPTIONS)))
    def a_message_is_held_back(self, queue: str) -> None:
        async def hold() -> None:
            found = await self.platform.take_out(queue)
            self.held_back += [Held(queue, message) for message in found[:1]]
            await self.platform.put_back(queue, found[1:])

        self.platform.run(hold())

    @precondition(lambda self: self.held_back)
    @rule()
    def what_was_held_back_comes(self) -> None:
        held, self.held_back = self.held_back, []

        async def release() -> None:
            for one in reversed(held):
                await self.platform.put_back(one.queue, [one.message])

        self.platform.run(release())

    # What must be so

    @precondition(lambda self: self.told)
    @rule()
    def all_arrives(self) -> None:
        self.what_was_held_back_comes()
        self.platform.run(self.platform.let_all_through(self.told))

        async def look() -> None:
            await asyncio.gather(*map(self._is_well, self.told))

        self.platform.run(look())

    def teardown(self) -> None:
        if self.told:
            self.all_arrives()

    async def _is_well(self, placed: Placed) -> None:
        async with self.platform.shop.session() as session:
            order = await session.get_one(Order, placed.id)
            steps = await orders.history(session, placed.id)
            letters = Counter(
                await session.scalars(sa.select(Email.kind).where(Email.order_id == placed.id))
            )
        async with self.platform.mes.session() as session:
            job = await session.get(WorkOrder, placed.id)
            jobs_steps = await work_orders.history(session, placed.id)
            calculation = await session.get(Calculation, (placed.id, order.submission))
            answers = await session.scalars(
                sa.select(outbox_tables.outbox.c.type).where(
                    outbox_tables.outbox.c.body["order_id"].astext == str(placed.id)
                )
            )
            refused = Counter(answers)["work.cancellation_refused"]

        way = [step.to_state for step in steps]
        assert is_legal(way), f"{placed.number}: {way}"
        assert [step.sequence for step in steps] == list(range(1, len(way) + 1))
        assert way[-1] is order.state
        for state, times in self.told[placed].items():
            assert way.count(state) == times, f"{state} was acknowledged {times} times: {way}"
        assert list(pairwise(way)).count(SENT_BACK) == self.sent_back[placed]
        assert order.cancellation_requested_by is None
        if placed in self.asked_to_cancel:
            assert order.state is State.CANCELLED or order.cancellation_refused_at is not None

        if State.SUBMITTED not in way:
            assert job is None
        else:
            assert job is not None
            jobs_way = [step.to_state for step in jobs_steps]
            assert jobs_way == way[way.index(State.SUBMITTED) :]
            assert job.state is order.state
            assert (job.price, job.metal, job.finish, job.model_checksum) == (
                order.price,
                order.metal,
                order.finish,
                order.model_checksum,
            )
            assert job.order_sequence == order.sequence
            assert job.promised_at == order.promised_at
            if State.MANUFACTURING_APPROVED in way and order.state is not State.CANCELLED:
                assert job.address == order.address is not None
            submitted = len(way) - way[::-1].index(State.SUBMITTED)
            if State.PRICE_CALCULATED in way[submitted:]:
                assert calculation is not None
                parts = (order.metal_cost, order.making_cost, order.finish_cost)
                assert order.price == calculation.total == sum(filter(None, parts), Decimal())
            else:
                assert order.price is None

        expected = Counter(LETTERS[step] for step in pairwise(way) if step in LETTERS)
        expected[Kind.CANCELLATION] = way.count(State.CANCELLED)
        expected[Kind.CANCELLATION_REFUSED] = refused
        assert letters == (+expected if placed.owner is Owner.CUSTOMER else Counter())

    def _accepted(self, order: Placed, state: State) -> Placed:
        self.told[order] = Counter([state])
        return order

    def _attempt(self, act: Coroutine[Any, Any, object]) -> bool:
        """Whether it was done; it may be refused for a reason."""
        try:
            self.platform.run(act)
        except REFUSALS:
            return False
        return True

    def _shop_step(self, order: Placed, to: State, owner: Owner) -> bool:
        async def step() -> object:
            actor = f"{owner}:{order.id}"
            async with self.platform.shop.session() as session:
                if to is State.CONFIRMED:
                    home = address_in(0)
                    return await delivery.confirm(session, order.id, home, owner=owner, actor=actor)
                return await orders.move(session, order.id, to, owner=owner, actor=actor)

        done = self._attempt(step())
        if done:
            self.told[order][to] += 1
        return done

    async def _cancel(self, order: Placed, owner: Owner) -> None:
        async with self.platform.shop.session() as session:
            found = await orders.cancel(
                session, order.id, owner=owner, actor=f"{owner}:{order.id}", reason="No more."
            )
        if found.state is State.CANCELLED:
            self.told[order][State.CANCELLED] += 1
        else:
            self.asked_to_cancel.add(order)

    async def _work(self, order: Placed, to: State, who: int) -> None:
        async with self.platform.mes.session() as session:
            if to is State.SHIPPED:
                await work_orders.ship(session, order.number, self.operators[who], "RR 12")
            else:
                await work_orders.move(session, order.number, to, self.operators[who])
        self.told[order][to] += 1

    async def _state(self, order: Placed) -> State:
        async with self.platform.shop.session() as session:
            return (await session.get_one(Order, order.id)).state
