"""How long a code for a new password holds, and how many letters bring one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Customer, Email
from atelier.mail import confirming, resetting
from atelier.mail.resetting import MOST, VALID_FOR, Outcome
from atelier.security import Reset, read_reset_code, reset_code

pytestmark = pytest.mark.anyio

SECRET = "a secret"


async def customer(shop: Database) -> Customer:
    made = Customer(email="anna@example.org", name="Anna", password_hash="old", language="en")
    async with shop.session() as session:
        session.add(made)
    return made


async def test_a_code_works_once_and_for_an_hour(shop: Database) -> None:
    anna = await customer(shop)
    good = read_reset_code(reset_code(anna.id, "old", SECRET), SECRET)
    assert good is not None
    old = good._replace(made_at=now() - VALID_FOR - timedelta(seconds=1))
    nobodys = good._replace(user_id=uuid4())

    async def changed(reset: Reset | None) -> Outcome:
        async with shop.session() as session:
            outcome, _ = await resetting.change(session, reset, SECRET, f"new {uuid4()}")
        return outcome

    assert await changed(old) is Outcome.ENDED
    assert await changed(nobodys) is Outcome.UNKNOWN
    assert await changed(None) is Outcome.UNKNOWN
    at_once = await asyncio.gather(*(changed(good) for _ in range(4)))
    assert sorted(one.value for one in at_once) == ["good", "used", "used", "used"]
    async with shop.session() as session:
        found = await session.get_one(Customer, anna.id)
        assert found.session_version == 1
        assert found.confirmed_at is not None
        assert not await confirming.ask(session, anna.id)


async def test_an_account_gets_few_such_letters(shop: Database) -> None:
    anna = await customer(shop)
    (an_hour, _), (a_day, _) = MOST

    async def asked() -> bool:
        async with shop.session() as session:
            return await resetting.ask(session, anna.id)

    assert sum(await asyncio.gather(*(asked() for _ in range(an_hour + 3)))) == an_hour
    sent = an_hour
    while sent < a_day:
        async with shop.session() as session:
            earlier = now() - timedelta(hours=1.1)
            await session.execute(sa.update(Email).values(created_at=earlier))
        sent += sum([await asked() for _ in range(an_hour)])
    async with shop.session() as session:
        await session.execute(sa.update(Email).values(created_at=now() - timedelta(hours=1.1)))
    assert sent == a_day
    assert not await asked()
