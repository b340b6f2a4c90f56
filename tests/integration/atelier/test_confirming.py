"""Whose an address is, asked by letter."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Customer, Email
from atelier.mail import confirming, due
from atelier.mail.composing import Letterhead
from atelier.mail.confirming import MOST_A_DAY, VALID_FOR, Outcome
from atelier.mail.sender import Sender
from atelier.mail.transport import transport
from atelier.security import read_confirmation_code
from fixtures.mailbox import Mailbox
from tests.integration.atelier.background import Start
from tests.integration.atelier.customers_letters import cancelled, letters, submitted
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

HEAD = Letterhead("Atelier <orders@atelier.example>", secret="a secret")


@pytest.fixture
async def stranger(shop: Database) -> Customer:
    """Whose account was opened by who knows whom."""
    customer = Customer(
        email="anna@example.org", name="You won at evil.example", password_hash="-", language="en"
    )
    async with shop.session() as session:
        session.add(customer)
    return customer


async def asked(shop: Database, customer: Customer) -> bool:
    async with shop.session() as session:
        return await confirming.ask(session, customer.id)


async def confirmed(shop: Database, letter: UUID | None) -> Outcome:
    async with shop.session() as session:
        return await confirming.confirm(session, letter)


async def test_until_it_is_confirmed_an_address_gets_one_kind_of_letter_that_says_nothing_typed(
    shop: Database, stranger: Customer, start: Start, mailbox: Mailbox
) -> None:
    order = await submitted(shop, stranger)
    first, last = cancelled(stranger, order.id), cancelled(stranger, order.id)
    for event in (first, last):
        async with shop.session() as session:
            await due.handle(session, event, lambda: None)
    await asked(shop, stranger)
    start(Sender(shop, transport(mailbox.url), HEAD, look_every=0.05))

    await eventually_async(lambda: asyncio.sleep(0, mailbox.letters))
    [letter] = mailbox.letters
    for part in (letter.text, letter.html, letter.subject):
        assert "won" not in part
        assert "evil" not in part
    code = read_confirmation_code(letter.code, "a secret")

    assert await confirmed(shop, code) is Outcome.CONFIRMED
    # The one that a later letter has overtaken is not sent any more.
    await eventually_async(
        lambda: letters(shop), until=lambda found: all(one.sent_at for one in found)
    )
    assert [one.event_id for one in await letters(shop) if one.order_id] == [last.id]
    assert len(mailbox.letters) == 2


async def test_a_code_works_once_and_ends(shop: Database, stranger: Customer) -> None:
    await asked(shop, stranger)
    [letter] = await letters(shop)
    async with shop.session() as session:
        await session.execute(sa.update(Email).values(created_at=now() - VALID_FOR * 2))
    assert await confirmed(shop, letter.id) is Outcome.ENDED

    async with shop.session() as session:
        await session.execute(sa.update(Email).values(created_at=now() - VALID_FOR / 2))
    at_once = await asyncio.gather(*(confirmed(shop, letter.id) for _ in range(4)))

    assert sorted(one.value for one in at_once) == ["confirmed", "used", "used", "used"]
    assert await confirmed(shop, None) is Outcome.UNKNOWN
    assert await confirmed(shop, stranger.id) is Outcome.UNKNOWN
    assert not await asked(shop, stranger)


async def test_an_address_gets_few_such_letters_a_day(shop: Database, stranger: Customer) -> None:
    at_once = await asyncio.gather(*(asked(shop, stranger) for _ in range(MOST_A_DAY + 3)))
    assert sum(at_once) == MOST_A_DAY

    async with shop.session() as session:
        await session.execute(sa.update(Email).values(created_at=now() - timedelta(days=1.1)))
    assert await asked(shop, stranger)
