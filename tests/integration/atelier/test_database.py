from __future__ import annotations

import traceback
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InternalError
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.database import Database
from atelier.data.shop import Customer
from atelier.settings import Settings

pytestmark = pytest.mark.anyio


async def in_recovery(session: AsyncSession) -> bool:
    """Whether the server that is asked is a replica."""
    return bool(await session.scalar(sa.text("SELECT pg_is_in_recovery()")))


async def test_transactions_go_to_the_primary(shop: Database) -> None:
    async with shop.session() as session:
        assert await in_recovery(session) is False


@pytest.mark.parametrize("with_replica", [True, False])
async def test_nothing_can_be_written_where_one_reads(
    settings: Settings, with_replica: bool
) -> None:
    database = Database(settings.shop_database, settings.shop_replica if with_replica else None)

    async def write(session: AsyncSession) -> None:
        await session.execute(sa.insert(Customer).values(_customer(uuid4())))

    with pytest.raises((InternalError, DBAPIError), match="read-only transaction"):
        await database.read(write)
    await database.close()


async def test_an_exception_undoes_the_transaction(shop: Database) -> None:
    async def fail_at_the_end() -> None:
        async with shop.session() as session:
            await session.execute(sa.insert(Customer).values(_customer(uuid4())))
            raise LookupError("something is missing")

    with pytest.raises(LookupError):
        await fail_at_the_end()

    async with shop.session() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 0


async def test_an_error_of_the_database_does_not_quote_personal_data(shop: Database) -> None:
    values = {**_customer(uuid4()), "language": "xx"}
    async with shop.session() as session:
        with pytest.raises(DBAPIError, match="ck_customer_language_known") as caught:
            await session.execute(sa.insert(Customer).values(values))
        await session.rollback()

    told = "".join(traceback.format_exception(caught.value))
    assert "Anna" not in told
    assert "example.org" not in told


def _customer(id: UUID) -> dict[str, object]:
    return {
        "id": id,
        "email": f"{id.hex}@example.org",
        "name": "Anna",
        "password_hash": "-",
        "language": "en",
    }
