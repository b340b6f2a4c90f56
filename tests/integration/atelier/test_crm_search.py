"""What sellers find, and that no table is read as a whole for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from atelier.clock import now
from atelier.crm import attention, search
from atelier.crm.attention import Kind
from atelier.crm.search import Wanted
from atelier.data.address import driver_url
from atelier.data.database import Database
from atelier.data.shop import Customer, Order, Partner
from atelier.domain.lifecycle import State
from atelier.settings import Settings
from atelier.usecases import orders
from atelier.usecases.sent_back import reasons
from atelier.web.refusal import Refusal
from tests.integration.atelier.wire import MODEL

pytestmark = pytest.mark.anyio


@pytest.fixture
async def customer(shop: Database) -> Customer:
    customer = Customer(email=f"{uuid4().hex}@example.org", name="Анна Petrova", password_hash="-")
    async with shop.session() as session:
        session.add(customer)
    return customer


@pytest.fixture
async def hers(shop: Database, customer: Customer) -> Order:
    async with shop.session() as session:
        return await orders.begin(session, customer.id, MODEL)


@pytest.fixture
async def theirs(shop: Database, partner: Partner, hers: Order) -> Order:
    """Later than hers."""
    async with shop.session() as session:
        return await orders.place(session, partner.id, MODEL, "gold-585", reference="PO 17/c_3")


async def found(shop: Database, wanted: Wanted, at: datetime | None = None) -> list[str]:
    async with shop.session() as session:
        page = await search.find_orders(session, wanted, at=at or now())
        return [order.number for order in page.rows]


async def stands(shop: Database, order: Order, state: State, **columns: Any) -> None:
    """Put it there: how it came to its state is no matter here."""
    async with shop.session() as session:
        await session.execute(
            sa.update(Order).where(Order.id == order.id).values(state=state, **columns)
        )


async def sent_back(shop: Database, order: Order) -> None:
    await stands(shop, order, State.CONFIRMED)
    async with shop.session() as session:
        await orders.send_back(session, order.id, actor="seller:1", reason="The band is thin.")


async def test_what_is_sent_back_is_told_from_what_has_its_first_price(
    shop: Database, hers: Order, theirs: Order
) -> None:
    await sent_back(shop, hers)
    await stands(shop, theirs, State.PRICE_CALCULATED)
    price = State.PRICE_CALCULATED

    assert await found(shop, Wanted(state=price)) == [theirs.number, hers.number]
    assert await found(shop, Wanted(state=price, sent_back=True)) == [hers.number]
    assert await found(shop, Wanted(state=price, sent_back=False)) == [theirs.number]
    async with shop.session() as session:
        listed = await search.find_orders(session, Wanted(), at=now())
        assert await reasons(session, listed.rows) == {hers.id: "The band is thin."}

    async with shop.session() as session:
        await orders.attach_model(session, hers, MODEL, "customer:1")
    assert await found(shop, Wanted(sent_back=True)) == []


async def test_orders_are_found_by_what_people_say(
    shop: Database, customer: Customer, hers: Order, theirs: Order
) -> None:
    async def said(text: str) -> list[str]:
        return await found(shop, Wanted(text))

    assert await said("") == [theirs.number, hers.number]
    assert await said(f" {hers.number.lower()[3:]} ") == [hers.number]
    assert await said("petrova") == [hers.number]
    assert await said("анна  P") == [hers.number]
    assert await said(customer.email.upper()) == [hers.number]
    assert await said("goldfinch & s") == [theirs.number]
    assert await said("po 17/C_3") == [theirs.number]
    # No letter stands for another one.
    assert await said("po 17/c%3") == await said("po_17/c_3") == await said("\\\\\\") == []


async def test_a_text_that_is_too_short_is_refused(shop: Database, hers: Order) -> None:
    with pytest.raises(Refusal, match="at least 3"):
        await found(shop, Wanted("an"))


async def test_all_that_is_wanted_must_fit(
    shop: Database, customer: Customer, partner: Partner, hers: Order, theirs: Order
) -> None:
    async with shop.session() as session:
        hers_too = await orders.begin(session, customer.id, MODEL)
    await stands(shop, hers_too, State.CANCELLED)

    assert await found(shop, Wanted(state=State.FILE_UPLOADED)) == [hers.number]
    assert await found(shop, Wanted("petrova", state=State.CANCELLED)) == [hers_too.number]
    assert await found(shop, Wanted("petrova", state=State.SUBMITTED)) == []
    assert await found(shop, Wanted(partner=partner.id)) == [theirs.number]
    assert await found(shop, Wanted("petrova", partner=partner.id)) == []
    assert await found(shop, Wanted(customer=customer.id)) == [hers_too.number, hers.number]


async def test_what_has_no_model_is_found_by_nobody(
    shop: Database, customer: Customer, hers: Order
) -> None:
    async with shop.session() as session:
        begun = await orders.start(session, customer.id)
        given_up = await orders.start(session, customer.id)
    await stands(shop, given_up, State.CANCELLED)

    assert await found(shop, Wanted()) == [hers.number]
    assert await found(shop, Wanted(begun.number)) == []
    assert await found(shop, Wanted(state=State.INITIATED)) == []
    assert await found(shop, Wanted(customer=customer.id)) == [hers.number]


async def test_overdue_is_what_was_promised_and_has_not_been_shipped(
    shop: Database, theirs: Order, hers: Order
) -> None:
    promised = now() - timedelta(hours=1)
    await stands(shop, theirs, State.PACKAGING, promised_at=promised)
    await stands(shop, hers, State.SHIPPED, promised_at=promised)

    assert await found(shop, Wanted(overdue=True)) == [theirs.number]
    assert await found(shop, Wanted(overdue=True), at=promised - timedelta(minutes=1)) == []


async def test_pages_follow_one_another_without_gap_or_repetition(
    shop: Database, customer: Customer
) -> None:
    made = []
    for _ in range(7):
        async with shop.session() as session:
            made.append((await orders.begin(session, customer.id, MODEL)).number)
    seen, cursor = [], None
    for _ in range(3):
        async with shop.session() as session:
            page = await search.find_orders(
                session, Wanted("petrova"), at=now(), cursor=cursor, limit=3
            )
        seen += [order.number for order in page.rows]
        cursor = page.next

    assert seen == made[::-1]
    assert cursor is None


async def test_customers_are_found_by_name_and_address(shop: Database, customer: Customer) -> None:
    async def said(text: str) -> list[str]:
        async with shop.session() as session:
            return [each.email for each in (await search.find_customers(session, text)).rows]

    assert await said("") == [customer.email]
    assert await said("АННА") == [customer.email]
    assert await said(customer.email[:10]) == [customer.email]
    assert await said("boris") == []


async def test_attention_goes_to_what_is_late_the_longest_late_first(
    shop: Database, partner: Partner
) -> None:
    at = now()
    cases = {
        "fresh": (State.CONFIRMED, timedelta(hours=23), None),
        "waits for the customer": (State.PRICE_CALCULATED, timedelta(days=90), None),
        "done": (State.CLOSED, timedelta(days=90), timedelta(days=80)),
        "stands": (State.CONFIRMED, timedelta(days=3, hours=1), None),
        "overdue": (State.MANUFACTURING_STARTED, timedelta(days=1), timedelta(days=5)),
        "both": (State.PACKAGING, timedelta(days=2), timedelta(hours=2)),
    }
    numbers = {}
    for name, (state, since, late) in cases.items():
        async with shop.session() as session:
            order = await orders.place(session, partner.id, MODEL, "gold-585")
        numbers[order.number] = name
        await stands(shop, order, state, updated_at=at - since, promised_at=late and at - late)

    async with shop.session() as session:
        needed = await attention.needed(session, at)
        counted = await attention.count(session, at)

    assert counted == len(needed.orders) == 3
    told = {
        numbers[late.order.number]: [(concern.kind, str(concern.text)) for concern in late.concerns]
        for late in needed.orders
    }
    assert list(told.items()) == [
        ("overdue", [(Kind.OVERDUE, "Promised date missed by 5 days")]),
        ("stands", [(Kind.STALLED, "“Confirmed” for 3 days, where 1 day is the most")]),
        (
            "both",
            [
                (Kind.OVERDUE, "Promised date missed by 2 hours"),
                (Kind.STALLED, "“Being packed” for 2 days, where 1 day is the most"),
            ],
        ),
    ]
    assert not needed.more


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """The shop's database, where a table is read as a whole only if nothing else is possible."""
    address = driver_url(settings.shop_database)
    engine = create_async_engine(address, connect_args={"options": "-c enable_seqscan=off"})
    yield engine
    await engine.dispose()


async def test_indexes_can_answer_every_search(
    engine: AsyncEngine, theirs: Order, partner: Partner, customer: Customer
) -> None:
    asked = _what_is_asked(engine)
    async with AsyncSession(engine) as session:
        for wanted in (
            Wanted(),
            Wanted("petrova"),
            Wanted(state=State.PACKAGING),
            Wanted(overdue=True),
            Wanted(customer=customer.id),
            Wanted(partner=partner.id),
            Wanted("petrova", State.CLOSED, overdue=True),
        ):
            await search.find_orders(session, wanted, at=now())
        await search.find_customers(session)
        await search.find_customers(session, "petrova")
        await attention.needed(session, now())
        await attention.count(session, now())

        assert await _read_as_a_whole(session, asked) == []


def _what_is_asked(engine: AsyncEngine) -> list[tuple[str, Any]]:
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    return asked


async def _read_as_a_whole(session: AsyncSession, asked: list[tuple[str, Any]]) -> list[str]:
    """The plans, of the statements that were asked, that read all orders or all customers."""
    assert asked
    connection = await session.connection()
    plans = []
    for statement, parameters in list(asked):
        lines = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        plans.append("\n".join(line for (line,) in lines))
    whole = ('Seq Scan on "order"', "Seq Scan on customer")
    return [plan for plan in plans if any(each in plan for each in whole)]
