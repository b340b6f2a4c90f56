from __future__ import annotations

import traceback
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InternalError

from atelier.data.database import Database
from atelier.data.shop import Customer
from atelier.settings import Settings
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

IN_RECOVERY = sa.text("SELECT pg_is_in_recovery()")


async def test_reads_go_to_the_replica_and_transactions_to_the_primary(shop: Database) -> None:
    async with shop.read() as session:
        assert await session.scalar(IN_RECOVERY) is True
    async with shop.session() as session:
        assert await session.scalar(IN_RECOVERY) is False


async def test_a_replica_that_was_read_from_is_still_ready(shop: Database) -> None:
    async with shop.read() as session:
        await session.scalar(IN_RECOVERY)

    await shop.check()  # on the connection that the read has left in the pool


async def test_what_was_written_is_soon_read_from_the_replica(shop: Database) -> None:
    customer = Customer(email=f"{uuid4().hex}@example.org", name="Anna", password_hash="-")
    async with shop.session() as session:
        session.add(customer)

    async def name_on_the_replica() -> str | None:
        async with shop.read() as session:
            return await session.scalar(sa.select(Customer.name).filter_by(id=customer.id))

    assert await eventually_async(name_on_the_replica) == "Anna"


@pytest.mark.parametrize("with_replica", [True, False])
async def test_nothing_can_be_written_where_one_reads(
    settings: Settings, with_replica: bool
) -> None:
    database = Database(settings.shop_database, settings.shop_replica if with_replica else None)
    async with database.read() as session:
        with pytest.raises((InternalError, DBAPIError), match="read-only transaction"):
            await session.execute(sa.insert(Customer).values(_customer(uuid4())))
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
