"""Whether an address belongs to whoever has the account, and what may be sent until that is known.

Letters about orders are written down all the same. They leave when the address is confirmed, but
for those that a later one of the same order has overtaken by then.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from atelier.clock import now
from atelier.data.shop import Customer, Email
from atelier.mail.kinds import CONFIRMATION

VALID_FOR: Final = timedelta(days=2)
MOST_A_DAY: Final = 3


class Outcome(Enum):
    """What became of a code."""

    CONFIRMED = "confirmed"
    USED = "used"
    ENDED = "ended"
    UNKNOWN = "unknown"


async def ask(session: AsyncSession, customer_id: UUID) -> bool:
    """Have the letter sent that asks to confirm; False where none may be: the address is confirmed
    already, or has got `MOST_A_DAY` within a day."""
    customer = await session.get_one(Customer, customer_id, with_for_update=True)
    asked = (
        sa.select(sa.func.count())
        .select_from(Email)
        .where(Email.customer_id == customer_id, Email.kind == CONFIRMATION)
        .where(Email.created_at > now() - timedelta(days=1))
    )
    if customer.confirmed_at is not None or (await session.scalars(asked)).one() >= MOST_A_DAY:
        return False
    session.add(Email(event_id=uuid4(), kind=CONFIRMATION, customer_id=customer_id))
    return True


async def confirm(session: AsyncSession, letter_id: UUID | None) -> Outcome:
    """The reader of this letter says that the address is theirs. It works once an account."""
    letter = None if letter_id is None else await session.get(Email, letter_id)
    if letter is None or letter.kind != CONFIRMATION:
        return Outcome.UNKNOWN
    customer = await session.get_one(Customer, letter.customer_id, with_for_update=True)
    if customer.confirmed_at is not None:
        return Outcome.USED
    if letter.created_at < now() - VALID_FOR:
        return Outcome.ENDED
    await accept(session, customer)
    return Outcome.CONFIRMED


async def accept(session: AsyncSession, customer: Customer) -> None:
    """The address is the customer's: the letters that wait may leave."""
    customer.confirmed_at = now()
    later = aliased(Email)
    await session.execute(
        sa.delete(Email)
        .where(Email.customer_id == customer.id)
        .where(Email.sent_at.is_(None), Email.parked_at.is_(None))
        .where(
            sa.exists().where(later.order_id == Email.order_id, later.created_at > Email.created_at)
        )
        .execution_options(synchronize_session=False)
    )
