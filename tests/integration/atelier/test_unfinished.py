"""Orders that nobody submits go after a time, with their models, and no others do."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from atelier.admin.pruning import prune_unfinished
from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Customer, Order, OrderHistory, OrderNote, Partner, Seller
from atelier.domain.lifecycle import State
from atelier.storage.blob_store import StoreUnavailable
from atelier.storage.model_store import ModelMissing, ModelStore, StoredModel
from atelier.usecases import orders
from tests.integration.atelier.uploads import CUBE, Upload

pytestmark = pytest.mark.anyio

DAYS = 30


@pytest.fixture
async def customer(shop: Database) -> Customer:
    customer = Customer(email=f"{uuid4().hex}@example.org", name="Anna", password_hash="-")
    async with shop.session() as session:
        session.add(customer)
    return customer


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


@pytest.fixture
async def model(models: ModelStore, tmp_path: Path) -> StoredModel:
    """Kept long ago."""
    kept = await models.save(Upload(CUBE), limit=10_000)
    age_files(tmp_path)
    return kept


def age_files(folder: Path, days: int = DAYS + 1) -> None:
    then = (now() - timedelta(days=days)).timestamp()
    for file in folder.rglob("*.stl"):
        os.utime(file, (then, then))


async def begun(shop: Database, customer: Customer, model: StoredModel) -> Order:
    async with shop.session() as session:
        return await orders.begin(session, customer.id, model)


async def grows_old(shop: Database, order: Order, days: int = DAYS + 1, **columns: object) -> None:
    then = now() - timedelta(days=days)
    async with shop.session() as session:
        row = sa.update(Order).where(Order.id == order.id)
        await session.execute(row.values(updated_at=then, **columns))


async def pruned(shop: Database, models: ModelStore) -> int:
    return await prune_unfinished(shop, models, now() - timedelta(days=DAYS))


async def left(shop: Database) -> set[str]:
    async with shop.session() as session:
        return set(await session.scalars(sa.select(Order.number)))


async def test_they_go_with_all_that_belongs_to_them(
    shop: Database, customer: Customer, models: ModelStore, model: StoredModel
) -> None:
    async with shop.session() as session:
        seller = Seller(email=f"{uuid4().hex}@example.org", name="Boris", password_hash="-")
        session.add(seller)
        empty = await orders.start(session, customer.id)
        order = await orders.begin(session, customer.id, model)
        session.add(OrderNote(order_id=order.id, seller_id=seller.id, text="Asked for a price."))
    await grows_old(shop, empty)
    await grows_old(shop, order)

    assert await pruned(shop, models) == 2
    assert await left(shop) == set()
    async with shop.session() as session:
        for table in (OrderHistory, OrderNote):
            assert await session.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    with pytest.raises(ModelMissing):
        await models.read(model.checksum)
    assert await pruned(shop, models) == 0


@pytest.mark.parametrize(
    "state", [each for each in State if each.name not in ("INITIATED", "FILE_UPLOADED")]
)
async def test_nothing_goes_that_was_submitted(
    shop: Database, customer: Customer, models: ModelStore, model: StoredModel, state: State
) -> None:
    order = await begun(shop, customer, model)
    await grows_old(shop, order, days=1000, state=state)

    assert await pruned(shop, models) == 0
    assert await left(shop) == {order.number}
    assert await models.read(model.checksum) == CUBE


async def test_a_young_one_stays(
    shop: Database, customer: Customer, models: ModelStore, model: StoredModel
) -> None:
    order = await begun(shop, customer, model)
    await grows_old(shop, order, days=DAYS - 1)

    assert await pruned(shop, models) == 0
    assert await models.read(model.checksum) == CUBE


async def test_a_model_stays_of_which_somebody_else_has_ordered(
    shop: Database, customer: Customer, partner: Partner, models: ModelStore, model: StoredModel
) -> None:
    order = await begun(shop, customer, model)
    async with shop.session() as session:
        theirs = await orders.place(session, partner.id, model, "gold-585")
    await grows_old(shop, order)

    assert await pruned(shop, models) == 1
    assert await left(shop) == {theirs.number}
    assert await models.read(model.checksum) == CUBE


async def test_a_model_stays_that_somebody_else_has_just_sent(
    shop: Database, customer: Customer, models: ModelStore, model: StoredModel
) -> None:
    order = await begun(shop, customer, model)
    await grows_old(shop, order)
    sent = await models.save(Upload(CUBE), limit=10_000)  # and is about to be an order

    assert await pruned(shop, models) == 1
    await begun(shop, customer, sent)
    assert await models.read(sent.checksum) == CUBE


async def test_while_the_store_is_away_the_order_stays_with_its_model(
    shop: Database, customer: Customer, models: ModelStore, model: StoredModel, tmp_path: Path
) -> None:
    order = await begun(shop, customer, model)
    await grows_old(shop, order)
    folder, elsewhere = tmp_path / model.checksum[:2], tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.touch()  # no folder, as a disk that is broken

    with pytest.raises(StoreUnavailable):
        await pruned(shop, models)

    assert await left(shop) == {order.number}
    folder.unlink()
    elsewhere.rename(folder)
    assert await pruned(shop, models) == 1


async def test_an_order_that_is_just_being_submitted_is_passed_over(
    shop: Database, customer: Customer, models: ModelStore, model: StoredModel
) -> None:
    order = await begun(shop, customer, model)
    await grows_old(shop, order)

    async with shop.session() as session:
        await orders.submit(session, order, "gold-585", "polished", "customer:1")
        assert await pruned(shop, models) == 0

    assert await left(shop) == {order.number}
    assert await pruned(shop, models) == 0


async def test_who_submits_an_order_that_is_just_going_is_told_that_there_is_none(
    shop: Database, customer: Customer, model: StoredModel
) -> None:
    order = await begun(shop, customer, model)
    await grows_old(shop, order)
    going, may_go_on = asyncio.Event(), asyncio.Event()

    class Slow(ModelStore):
        async def discard(self, checksum: str) -> None:
            going.set()
            await may_go_on.wait()

    async def submits() -> None:
        async with shop.session() as session:
            known = await orders.by_number(session, order.number)
            assert known is not None
            may_go_on.set()
            await orders.submit(session, known, "gold-585", "polished", "customer:1")

    pruning = asyncio.create_task(pruned(shop, Slow(Path("/nowhere"))))
    await going.wait()
    with pytest.raises(orders.OrderNotFound):
        await submits()
    assert await pruning == 1
    assert await left(shop) == set()
