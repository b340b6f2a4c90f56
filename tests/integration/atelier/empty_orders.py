"""Orders without a model, as the version before left them behind."""

from __future__ import annotations

import asyncio
from uuid import UUID

from atelier.data.database import Database
from atelier.usecases import orders


def empty_order_of(customer: str, database: str) -> str:
    """The number of one, of the customer with this id, in the database at that address."""

    async def begun() -> str:
        shop = Database(database)
        try:
            async with shop.session() as session:
                return (await orders.start(session, UUID(customer))).number
        finally:
            await shop.close()

    return asyncio.run(begun())
