from __future__ import annotations

from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from atelier import calculations
from atelier.data.database import Database
from atelier.data.mes import Calculation
from atelier.domain.lifecycle import State
from atelier.files import ModelStore, StoredModel
from atelier.messaging import tables
from atelier.messaging.broker import Broker
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.settings import Settings
from tests.integration.atelier.conftest import Start
from tests.integration.atelier.test_files import CUBE, OPEN_CUBE, Upload
from tests.integration.atelier.wire import deliver, told, waiting
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


def asked(model: StoredModel) -> Event:
    event = told(uuid4(), None, State.SUBMITTED)
    event.data["model_checksum"] = model.checksum
    return event


async def answers(mes: Database) -> list[tuple[str, dict[str, str]]]:
    async with mes.session() as session:
        rows = await session.execute(sa.select(tables.outbox.c["type", "body"]))
        return [(type_, body["data"]) for type_, body in rows]


async def test_an_order_is_priced_once_however_often_it_is_asked(
    mes: Database, models: ModelStore
) -> None:
    event = asked(await models.save(Upload(CUBE), limit=10_000))
    for _ in range(2):
        async with mes.session() as session:
            await calculations.handle(session, event, models)

    async with mes.session() as session:
        calculation = await session.get_one(Calculation, event.order_id)
    assert (calculation.triangles, str(calculation.volume_mm3)) == (12, "1000.000")
    parts = (calculation.metal_cost, calculation.making, calculation.finish)
    assert calculation.total == sum(part for part in parts if part is not None)
    assert await answers(mes) == [
        (
            "pricing.price_calculated",
            {
                "volume_mm3": "1000.000",
                "weight_g": str(calculation.weight_g),
                "price": str(calculation.total),
                "metal_cost": str(calculation.metal_cost),
                "making": str(calculation.making),
                "finish_cost": "18.00",
            },
        )
    ]


async def test_a_model_that_cannot_be_cast_is_answered_with_the_reason(
    mes: Database, models: ModelStore
) -> None:
    event = asked(await models.save(Upload(OPEN_CUBE), limit=10_000))
    async with mes.session() as session:
        await calculations.handle(session, event, models)

    async with mes.session() as session:
        calculation = await session.get_one(Calculation, event.order_id)
    assert (calculation.failure_code, calculation.total) == ("open-surface", None)
    assert await answers(mes) == [
        ("pricing.failed", {"code": "open-surface", "reason": calculation.failure})
    ]


async def test_a_model_that_we_lost_is_our_fault_and_not_the_customers(
    mes: Database, models: ModelStore, broker: Broker, settings: Settings, start: Start
) -> None:
    event = asked(StoredModel(checksum="0" * 64, name="ring.stl", size=1))
    start(
        Consumer(
            "pricing.calculations",
            partial(calculations.handle, models=models),
            mes,
            broker,
            retry_delays=settings.retry_delays,
        )
    )

    await deliver(broker, "pricing.calculations", event)

    [letter] = await eventually_async(lambda: waiting(broker, "pricing.calculations.dead"))
    assert str(letter.headers["x-error"]).startswith("FileNotFoundError")
    assert await answers(mes) == []
