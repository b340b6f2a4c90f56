"""`atelier letters`: what no mail server would take, and another try for it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Customer, Email
from atelier.usecases import orders
from tests.integration.atelier.platform_process import command
from touchstone.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_parked_letters_are_listed_and_sent_again(
    bare_sandbox: Sandbox, shop: Database
) -> None:
    async with shop.session() as session:
        customer = Customer(email="anna@example.org", name="Anna", language="en", password_hash="-")
        session.add(customer)
        await session.flush()
        order = await orders.start(session, customer.id)
        one, other = (
            Email(
                event_id=uuid4(),
                kind="price",
                order_id=order.id,
                customer_id=customer.id,
                due_at=now() - timedelta(hours=1),
                attempts=10,
                fault="SMTPDataError 550",
                parked_at=now(),
            )
            for _ in range(2)
        )
        session.add_all((one, other))

    listed = await asyncio.to_thread(command, bare_sandbox, "letters", "list")
    asked = await asyncio.to_thread(
        command, bare_sandbox, "letters", "send", "--id", str(one.id), "--id", str(uuid4())
    )
    left = await asyncio.to_thread(command, bare_sandbox, "letters", "list", "--json")

    for words in (str(one.id), str(other.id), order.number, "price", "SMTPDataError 550"):
        assert words in listed.stdout
    assert "anna@example.org" not in listed.stdout
    assert (asked.returncode, asked.stdout) == (2, "1 will be sent again\n")
    assert asked.stderr.startswith("No parked letter has the id ")
    assert [letter["id"] for letter in json.loads(left.stdout)] == [str(other.id)]
    async with shop.session() as session:
        again = await session.get_one(Email, one.id)
        assert (again.parked_at, again.fault, again.attempts) == (None, None, 0)
        assert again.due_at > now() - timedelta(minutes=5)


def test_letters_that_are_to_be_sent_again_have_to_be_named(bare_sandbox: Sandbox) -> None:
    for words, reason in (((), "Say which letters"), (("--id", "x"), "An id is 32 hex digits")):
        refused = command(bare_sandbox, "letters", "send", *words)

        assert refused.returncode == 2
        assert refused.stderr.startswith(reason)
