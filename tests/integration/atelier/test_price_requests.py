"""From the event that asks for a price to the one that answers, on real servers and workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa

from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.mes import Calculation, CalculationRequest
from atelier.domain.lifecycle import State
from atelier.languages import keeping
from atelier.messaging import inbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.pricing.dispatcher import Dispatcher
from atelier.pricing.pool import Pool
from atelier.settings import Settings
from atelier.storage.model_store import ModelStore, StoredModel
from atelier.usecases import metal_prices, price_requests
from fixtures import models as meshes
from tests.integration.atelier.background import Start
from tests.integration.atelier.uploads import CUBE, OPEN_CUBE, Upload
from tests.integration.atelier.wire import dead_letters, deliver, told
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

LARGE = meshes.as_binary_stl(meshes.ring(segments=12_000))
SMALL_MEMORY = 8 * 1024 * 1024  # bytes; enough for a cube, and not for LARGE

Dispatch = Callable[[Pool], Dispatcher]


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(time_limit=60, memory=1 << 30)
    yield pool
    await pool.close()


@pytest.fixture
async def frugal_pool() -> AsyncIterator[Pool]:
    pool = Pool(time_limit=60, memory=SMALL_MEMORY)
    yield pool
    await pool.close()


@pytest.fixture
def dispatch(
    mes: Database, broker: BrokerConnection, models: ModelStore, settings: Settings, start: Start
) -> Dispatch:
    """Starts what works on requests, with a consumer that takes them in."""

    def dispatch(pool: Pool) -> Dispatcher:
        start(
            Consumer(
                price_requests.QUEUE,
                price_requests.handle,
                mes,
                broker,
                retry_delays=settings.retry_delays,
            )
        )
        dispatcher = Dispatcher(mes, models, pool, workers=2, retry_delays=settings.retry_delays)
        start(dispatcher)
        return dispatcher

    return dispatch


def asked(model: StoredModel, actor: str | None = None) -> Event:
    event = told(uuid4(), None, State.SUBMITTED)
    event.data["model_checksum"] = model.checksum
    return event if actor is None else Event.from_dict({**event.to_dict(), "actor": actor})


async def kept(models: ModelStore, content: bytes) -> StoredModel:
    return await models.save(Upload(content), limit=100_000_000)


async def ask(mes: Database, *events: Event) -> None:
    for event in events:
        async with mes.session() as session:
            await price_requests.handle(session, event)


async def answers(mes: Database, order_id: UUID | None = None) -> list[tuple[str, dict[str, str]]]:
    outbox = outbox_tables.outbox.c
    async with mes.session() as session:
        rows = await session.execute(sa.select(outbox.type, outbox.body).order_by(outbox.id))
        return [
            (type_, body["data"])
            for type_, body in rows
            if order_id in (None, UUID(body["order_id"]))
        ]


async def answered(mes: Database, event: Event) -> tuple[str, dict[str, str]]:
    """The answer to `event`, as soon as there is one."""
    [answer] = await eventually_async(lambda: answers(mes, event.order_id), timeout=60)
    return answer


async def requests(mes: Database) -> list[UUID]:
    async with mes.session() as session:
        query = sa.select(CalculationRequest.order_id).order_by(CalculationRequest.id)
        return list(await session.scalars(query))


async def calculation(mes: Database, event: Event) -> Calculation:
    async with mes.session() as session:
        return await session.get_one(Calculation, (event.order_id, 1))


async def test_an_order_is_priced_once_however_often_it_is_asked(
    mes: Database, models: ModelStore, pool: Pool, dispatch: Dispatch, broker: BrokerConnection
) -> None:
    event = asked(await kept(models, CUBE))
    again = Event(type=event.type, order_id=event.order_id, actor=event.actor, data={**event.data})
    dispatch(pool)
    await deliver(broker, price_requests.QUEUE, event, event, again)

    name, figures = await answered(mes, event)
    await ask(mes, event, again)

    found = await calculation(mes, event)
    assert (name, found.triangles, str(found.volume_mm3)) == (
        "pricing.price_calculated",
        12,
        "1000.000",
    )
    assert figures == {
        "volume_mm3": "1000.000",
        "weight_g": str(found.weight_g),
        "price": str(found.total),
        "metal_cost": str(found.metal_cost),
        "making": str(found.making),
        "finish_cost": "18.00",
        "submission": 1,
    }
    assert Decimal(figures["price"]) == sum(
        Decimal(figures[part]) for part in ("metal_cost", "making", "finish_cost")
    )
    assert await requests(mes) == []
    assert len(await answers(mes)) == 1


async def test_a_kept_price_comes_out_again_from_what_is_kept_with_it(
    mes: Database, models: ModelStore, pool: Pool, dispatch: Dispatch
) -> None:
    event = asked(await kept(models, CUBE))
    await ask(mes, event)
    dispatch(pool)
    await answered(mes, event)
    async with mes.session() as session:
        await metal_prices.set_price(session, "gold-585", Decimal("99.90"), now())

    found = await calculation(mes, event)

    assert found.price_per_gram == Decimal("61.40")
    assert (found.density, found.finish_code, found.formula) == (Decimal("13.78"), "polished", 1)
    assert price_requests.calculated_again(found) == price_requests.quote_of(found)
    found.volume_mm3 = Decimal("1000.500")
    assert price_requests.calculated_again(found) != price_requests.quote_of(found)


async def test_a_model_that_cannot_be_cast_is_answered_with_the_reason(
    mes: Database, models: ModelStore, pool: Pool, dispatch: Dispatch
) -> None:
    event = asked(await kept(models, OPEN_CUBE))
    await ask(mes, event)
    dispatch(pool)

    name, answer = await answered(mes, event)

    found = await calculation(mes, event)
    message = answer.pop("message")
    told_why = {"code": "open-surface", "reason": found.failure, "submission": 1}
    assert (name, answer) == ("pricing.failed", told_why)
    assert str(keeping.from_dict(message)) == found.failure
    assert (found.failure_code, found.total) == ("open-surface", None)


async def test_an_estimate_is_answered_and_leaves_no_calculation(
    mes: Database, models: ModelStore, pool: Pool, dispatch: Dispatch
) -> None:
    model = await kept(models, CUBE)
    estimate = Event(
        type="estimate.requested",
        order_id=uuid4(),
        actor=f"partner:{uuid4()}",
        data={"model_checksum": model.checksum, "metal": "silver-925", "finish": "hammered"},
    )
    await ask(mes, estimate)
    dispatch(pool)

    name, figures = await answered(mes, estimate)

    assert (name, figures["finish_cost"]) == ("estimate.calculated", "36.00")
    async with mes.session() as session:
        assert await session.get(Calculation, (estimate.order_id, 1)) is None


async def test_a_model_that_we_lost_is_our_fault_and_not_the_customers(
    mes: Database,
    models: ModelStore,
    tmp_path: Path,
    pool: Pool,
    broker: BrokerConnection,
    dispatch: Dispatch,
) -> None:
    content = await kept(models, CUBE)
    folder = tmp_path / content.checksum[:2]
    lost = await asyncio.to_thread(folder.rename, tmp_path / "elsewhere")
    event = asked(content)
    dispatch(pool)
    await deliver(broker, price_requests.QUEUE, event)

    [letter] = await eventually_async(lambda: dead_letters(mes), timeout=60)

    assert letter.reason == f"ModelMissing: the store has no model {content.checksum}"
    assert (letter.attempts, letter.id) == (4, str(event.id))
    assert await answers(mes) == []
    assert await requests(mes) == []

    await asyncio.to_thread(lost.rename, folder)
    async with mes.session() as session:
        await inbox.revive(session, letter)
    name, _ = await answered(mes, event)
    assert name == "pricing.price_calculated"


async def test_a_model_that_kills_its_worker_is_put_aside_and_harms_no_other(
    mes: Database,
    models: ModelStore,
    frugal_pool: Pool,
    broker: BrokerConnection,
    dispatch: Dispatch,
) -> None:
    hog, cube = await kept(models, LARGE), await kept(models, CUBE)
    flooding = f"partner:{uuid4()}"
    killer = asked(hog, flooding)
    harmless = [asked(cube, actor) for actor in (flooding, flooding, f"customer:{uuid4()}")]
    dispatch(frugal_pool)
    await deliver(broker, price_requests.QUEUE, killer, *harmless)

    [letter] = await eventually_async(lambda: dead_letters(mes), timeout=60)

    assert letter.id == str(killer.id)
    assert letter.reason.startswith(("WorkerFault", "WorkerLost"))
    assert {(await answered(mes, event))[0] for event in harmless} == {"pricing.price_calculated"}
    # Nobody says that the model is bad: the order waits for whoever looks into it.
    assert await answers(mes, killer.order_id) == []


async def test_what_is_cancelled_is_not_measured(
    mes: Database, models: ModelStore, pool: Pool, dispatch: Dispatch
) -> None:
    model = await kept(models, CUBE)
    unwanted, wanted = asked(model), asked(model)
    await ask(mes, unwanted, wanted, told(unwanted.order_id, State.SUBMITTED, State.CANCELLED))
    dispatch(pool)

    await answered(mes, wanted)

    assert await requests(mes) == []
    assert await answers(mes, unwanted.order_id) == []


async def test_a_new_metal_price_is_used_from_its_beginning_on(
    mes: Database, models: ModelStore, pool: Pool, dispatch: Dispatch
) -> None:
    model = await kept(models, CUBE)
    dispatch(pool)
    first = asked(model)
    await ask(mes, first)
    await answered(mes, first)
    async with mes.session() as session:
        tomorrow = now() + timedelta(days=1)
        await metal_prices.set_price(session, "gold-585", Decimal("70.00"), tomorrow)
        await metal_prices.set_price(session, "gold-585", Decimal("65.00"), now())
        await metal_prices.set_price(session, "gold-750", Decimal("80.00"), now())

    async def price_of_a_new_one() -> Decimal | None:
        event = asked(model)
        await ask(mes, event)
        await answered(mes, event)
        return (await calculation(mes, event)).price_per_gram

    # As soon as PostgreSQL has told of it, and for the whole list.
    await eventually_async(
        price_of_a_new_one, until=lambda price: price == Decimal("65.00"), timeout=60
    )
    assert (await calculation(mes, first)).price_per_gram == Decimal("61.40")


class TestClaims:
    """Requests are claimed by the connection of a process, and one after another."""

    async def claim(
        self, mes: Database, holder: str, in_hand: tuple[int, ...] = (), *, spare: bool = False
    ) -> CalculationRequest | None:
        async with mes.session() as session:
            claimed = await price_requests.claim(
                session, holder, in_hand=list(in_hand), spare_only=spare
            )
        return claimed and claimed[0]

    @pytest.fixture
    async def connection(
        self, settings: Settings
    ) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
        connection = await psycopg.AsyncConnection.connect(
            settings.mes_database, application_name="pricing a"
        )
        yield connection
        await connection.close()

    async def test_a_customers_one_comes_next_though_a_partners_many_came_before(
        self,
        mes: Database,
        connection: psycopg.AsyncConnection[tuple[object, ...]],
        models: ModelStore,
    ) -> None:
        model = await kept(models, CUBE)
        meridian, other = f"partner:{uuid4()}", f"partner:{uuid4()}"
        many = [asked(model, meridian) for _ in range(6)]
        await ask(mes, *many)
        first = await self.claim(mes, "pricing a")
        late = [asked(model, f"customer:{uuid4()}"), asked(model, other)]
        await ask(mes, *late)
        async with mes.session() as session:
            assert await price_requests.waiting(session) == {"shop": 1, "partner": 7}

        claims = [await self.claim(mes, "pricing a") for _ in range(3)]
        last = await self.claim(mes, "pricing a", spare=True)

        assert first is not None
        assert first.order_id == many[0].order_id
        orders = [each.order_id for each in claims if each is not None]
        assert set(orders[:2]) == {each.order_id for each in late}
        assert orders[2] == many[1].order_id
        assert last is None

    async def test_each_is_claimed_once_while_whoever_has_it_is_connected(
        self,
        mes: Database,
        connection: psycopg.AsyncConnection[tuple[object, ...]],
        models: ModelStore,
    ) -> None:
        event = asked(await kept(models, CUBE))
        await ask(mes, event)
        mine = await self.claim(mes, "pricing a")
        assert mine is not None
        assert await self.claim(mes, "pricing b") is None

        await connection.close()

        taken_over = await eventually_async(lambda: self.claim(mes, "pricing b"))
        assert taken_over is not None
        assert (taken_over.order_id, taken_over.attempts) == (event.order_id, 2)

    async def test_what_the_process_works_on_already_is_not_given_to_it_again(
        self, mes: Database, models: ModelStore
    ) -> None:
        await ask(mes, asked(await kept(models, CUBE)))
        held = await self.claim(mes, "pricing gone")
        assert held is not None
        assert await self.claim(mes, "pricing a", (held.id,)) is None
        assert await self.claim(mes, "pricing a") is not None
