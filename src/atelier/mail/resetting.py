"""A new password for whoever has forgotten theirs: by a letter to the address of the account.

The code in the letter is made when the letter is sent. It holds for an hour and for one password:
with the next one, however it was chosen, all codes end. Who reads the letter owns the address, so
the letter goes to addresses that nobody has confirmed, too, and confirms them.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.shop import Customer, Email
from atelier.mail import confirming
from atelier.mail.kinds import PASSWORD
from atelier.security import Reset

VALID_FOR: Final = timedelta(hours=1)
MOST: Final = ((3, timedelta(hours=1)), (10, timedelta(days=1)))
"""How many such letters an account gets at most, and within how long."""


class Outcome(Enum):
    """What a code is good for."""

    GOOD = "good"
    USED = "used"
    ENDED = "ended"
    UNKNOWN = "unknown"


async def account_of(session: AsyncSession, address: str) -> UUID | None:
    """The customer who is known under this address."""
    return await session.scalar(sa.select(Customer.id).where(Customer.email == address))


async def ask(session: AsyncSession, customer_id: UUID) -> bool:
    """Have the letter sent; False where the account has got as many as it may."""
    await session.get_one(Customer, customer_id, with_for_update=True)
    for most, within in MOST:
        asked = (
            sa.select(sa.func.count())
            .select_from(Email)
            .where(Email.customer_id == customer_id, Email.kind == PASSWORD)
            .where(Email.created_at > now() - within)
        )
        if (await session.scalars(asked)).one() >= most:
            return False
    session.add(Email(event_id=uuid4(), kind=PASSWORD, customer_id=customer_id))
    return True


async def look(
    session: AsyncSession, reset: Reset | None, secret: str, *, lock: bool = False
) -> tuple[Outcome, Customer | None]:
    """What the code is good for, and the account where it is good; `lock` keeps it so."""
    customer = (
        None
        if reset is None
        else await session.get(Customer, reset.user_id, with_for_update=lock or None)
    )
    if reset is None or customer is None:
        return Outcome.UNKNOWN, None
    if not reset.is_of(customer.password_hash, secret):
        return Outcome.USED, None
    if reset.made_at < now() - VALID_FOR:
        return Outcome.ENDED, None
    return Outcome.GOOD, customer


async def change(
    session: AsyncSession, reset: Reset | None, secret: str, password_hash: str
) -> tuple[Outcome, Customer | None]:
    """The account has the new password, and whoever was signed in no longer is."""
    outcome, customer = await look(session, reset, secret, lock=True)
    if customer is not None:
        customer.password_hash = password_hash
        customer.session_version += 1
        if customer.confirmed_at is None:
            await confirming.accept(session, customer)
    return outcome, customer
