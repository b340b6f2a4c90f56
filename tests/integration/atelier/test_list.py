"""The list of work: what PostgreSQL, Redis and open pages say of it, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
from redis.asyncio import Redis

from atelier.data.database import Database
from atelier.data.mes import FINAL, Operator, WorkOrder
from atelier.data.patience import connect
from atelier.domain.lifecycle import State
from atelier.mes.listing import changes, chunks
from atelier.mes.listing.feed import Feed, OperatorSession
from atelier.mes.listing.projector import Projector, rebuild
from atelier.mes.listing.readmodel import KEY, ReadModel
from atelier.mes.listing.source import Source
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.settings import Settings
from atelier.usecases import work_orders
from tests.integration.atelier.background import Start
from tests.integration.atelier.wire import deliver, told
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

Shown = list[tuple[str, str]]


@pytest.fixture
async def cache(settings: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.cache) as client:
        yield client


@pytest.fixture
def model(cache: Redis) -> ReadModel:
    return ReadModel(cache)


async def new_work(mes: Database, *states: State) -> UUID:
    """A piece that the factory has been told of, and that has come this far."""
    order_id = uuid4()
    before = None
    async with mes.session() as session:
        for sequence, to in enumerate((State.SUBMITTED, *states), start=1):
            event = told(order_id, before, to, price="249.50")
            event.data["sequence"] = sequence
            await work_orders.handle(session, event)
            before = to
    return order_id


async def in_database(mes: Database) -> Shown:
    query = sa.select(WorkOrder.number, WorkOrder.state).where(WorkOrder.state.not_in(FINAL))
    async with mes.session() as session:
        found = await session.execute(
            query.order_by(WorkOrder.created_at.desc(), WorkOrder.number.desc())
        )
        return [(number, state) for number, state in found]


async def in_read_model(model: ReadModel) -> Shown | None:
    found = await model.whole()
    if found is None:
        return None
    return [(row.number, row.state) for part in found.parts for row in chunks.unpack(part)]


async def agree(mes: Database, model: ReadModel) -> Shown:
    """Wait until the read model is as the database, and return what both say."""
    expected = await in_database(mes)
    await eventually_async(
        lambda: in_read_model(model),
        until=lambda shown: shown == expected,
        describe="the read model says what the database says",
        show=lambda shown: "nothing" if shown is None else f"{len(shown)} rows",
    )
    found = await model.beginning()
    assert found is not None
    assert [(row.number, row.state) for row in found.rows] == expected[: chunks.FIRST]
    assert found.count == len(expected)
    return expected


async def passed(connection: changes.Connection, position: int) -> int:
    """Wait until the list's position is beyond `position`, and return it. Transactions of other
    tests on the same server hold it back as well."""
    return await eventually_async(
        lambda: changes.position(connection), until=lambda here: here > position
    )


async def test_it_has_all_active_work_and_the_newest_on_top(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    start(Projector(settings.mes_database, model))
    await new_work(mes)
    await new_work(mes, State.CANCELLED)
    newest = await new_work(mes, State.PRICE_CALCULATED)

    shown = await agree(mes, model)

    assert [state for _, state in shown] == [State.PRICE_CALCULATED, State.SUBMITTED]
    assert shown[0][0] == f"AT-{newest.hex[:6].upper()}"


async def test_a_piece_that_left_comes_back_with_another_model(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    start(Projector(settings.mes_database, model))
    order_id = await new_work(mes, State.PRICING_FAILED)
    await new_work(mes)
    assert len(await agree(mes, model)) == 1

    steps = (State.PRICING_FAILED, State.FILE_UPLOADED, State.SUBMITTED)
    for sequence, (before, to) in enumerate(pairwise(steps), start=3):
        async with mes.session() as session:
            await work_orders.handle(session, told(order_id, before, to, sequence=sequence))

    number = f"AT-{order_id.hex[:6].upper()}"
    assert (await agree(mes, model))[-1] == (number, State.SUBMITTED)


async def test_events_that_come_twice_and_in_any_order_lead_to_the_same_list(
    settings: Settings, mes: Database, model: ReadModel, broker: BrokerConnection, start: Start
) -> None:
    events = []
    for _ in range(8):
        order_id, before = uuid4(), None
        for sequence, to in enumerate(
            (State.SUBMITTED, State.PRICE_CALCULATED, State.CONFIRMED), start=1
        ):
            event = told(order_id, before, to, price="249.50")
            event.data["sequence"] = sequence
            events += [event, event]
            before = to
    random.Random(4).shuffle(events)
    start(Projector(settings.mes_database, model))
    start(
        Consumer("mes.orders", work_orders.handle, mes, broker, retry_delays=settings.retry_delays)
    )

    await deliver(broker, "mes.orders", *events)

    await eventually_async(
        lambda: in_read_model(model),
        until=lambda shown: (
            shown is not None and [state for _, state in shown] == [State.CONFIRMED] * 8
        ),
        describe="all eight orders are confirmed in the list",
    )


async def test_a_lost_cache_is_built_anew(
    settings: Settings, mes: Database, model: ReadModel, cache: Redis, start: Start
) -> None:
    start(Projector(settings.mes_database, model))
    await new_work(mes)
    await agree(mes, model)

    await cache.flushdb()
    await new_work(mes)

    assert len(await agree(mes, model)) == 2


async def test_an_old_read_model_catches_up(
    settings: Settings, mes: Database, model: ReadModel, cache: Redis, start: Start
) -> None:
    going = await new_work(mes)
    await rebuild(settings.mes_database, model)
    copy: dict[Any, Any] = await cache.hgetall(KEY)
    await new_work(mes)
    async with mes.session() as session:
        event = told(going, State.SUBMITTED, State.CANCELLED)
        event.data["sequence"] = 2
        await work_orders.handle(session, event)
    await rebuild(settings.mes_database, model)

    # As after the restore of a snapshot of Redis.
    await cache.delete(KEY)
    await cache.hset(KEY, mapping=copy)
    start(Projector(settings.mes_database, model))

    assert len(await agree(mes, model)) == 1


async def test_a_database_from_another_server_is_followed_like_any_other(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    far_away = 2**60
    await new_work(mes)
    async with await connect(settings.mes_database) as connection:
        old = await changes.whole(connection)
        # What a dump brings along; and a read model of that server, which Redis still has.
        await connection.execute("ALTER TABLE work_order DISABLE TRIGGER mark_work_order")
        await connection.execute("UPDATE work_order SET changed_in = %s", [far_away])
        await connection.execute("ALTER TABLE work_order ENABLE TRIGGER mark_work_order")
        await model.replace(changes.Whole(far_away, old.rows))
        start(Projector(settings.mes_database, model))
        await new_work(mes)

        assert len(await agree(mes, model)) == 2
        async with mes.session() as session:
            newest = await session.scalar(sa.select(sa.func.max(WorkOrder.changed_in)))
        assert newest
        here = await passed(connection, newest)
        assert (await changes.since(connection, here)).rows == ()
        assert (await changes.since(connection, far_away)).rows is None


async def test_a_change_that_began_early_and_is_committed_late_is_not_missed(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    slow, quick = await new_work(mes), await new_work(mes)
    start(Projector(settings.mes_database, model))
    await agree(mes, model)
    update = "UPDATE work_order SET state = 'CONFIRMED', sequence = 9 WHERE order_id = %s"
    async with await psycopg.AsyncConnection.connect(settings.mes_database) as connection:
        await connection.execute(update, [slow])
        async with mes.session() as session:
            await session.execute(
                sa.update(WorkOrder).where(WorkOrder.order_id == quick).values(sequence=9)
            )
        for _ in range(3):
            await new_work(mes)
            await agree(mes, model)
    assert (f"AT-{slow.hex[:6].upper()}", State.CONFIRMED) in await agree(mes, model)


async def test_it_is_rebuilt_while_events_keep_coming(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    start(Projector(settings.mes_database, model))
    await new_work(mes)
    await agree(mes, model)

    async def work_goes_on() -> None:
        for _ in range(30):
            await new_work(mes, State.PRICE_CALCULATED)

    async def it_is_rebuilt() -> None:
        for _ in range(6):
            await rebuild(settings.mes_database, model)
            # At no moment is it gone.
            assert await model.stamp() is not None

    await asyncio.gather(work_goes_on(), it_is_rebuilt())

    assert len(await agree(mes, model)) == 31


async def test_a_projector_that_lost_its_lock_cannot_overwrite_what_is_newer(
    settings: Settings, mes: Database, model: ReadModel
) -> None:
    await new_work(mes)
    async with await connect(settings.mes_database) as connection:
        old = await changes.whole(connection)
        known = await model.replace(old)
        await new_work(mes)
        await passed(connection, old.position)
        newer = await model.replace(await changes.whole(connection))
    assert known is not None
    assert newer is not None

    assert await model.replace(old) is None
    assert await model.apply(old.rows, old.position, known) is None
    assert len(await in_read_model(model) or ()) == 2


async def test_the_second_projector_takes_over(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    first = start(Projector(settings.mes_database, model))
    await new_work(mes)
    await agree(mes, model)
    start(Projector(settings.mes_database, model))

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await new_work(mes)

    assert len(await agree(mes, model)) == 2


async def test_more_changes_than_are_worth_telling_are_read_as_a_whole(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    await new_work(mes)
    start(Projector(settings.mes_database, model))
    await agree(mes, model)
    async with mes.session() as session:
        await session.execute(
            sa.text(
                "INSERT INTO work_order (order_id, number, state, sequence, order_sequence, metal,"
                " finish, model_checksum, model_name, source, created_at, updated_at) "
                "SELECT gen_random_uuid(), 'AT-' || n, 'SUBMITTED', 1, 1, 'gold-585', 'polished',"
                " '-', '-', 'shop', now() + n * interval '1 ms', now() "
                f"FROM generate_series(1, {changes.MOST + 500}) AS n"
            )
        )

    assert len(await agree(mes, model)) == changes.MOST + 501


async def test_without_redis_it_comes_from_the_database(mes: Database) -> None:
    await new_work(mes)
    # Nothing listens on a port that only the system's own services may have.
    async with Redis.from_url("redis://127.0.0.1:1/0") as nobody:
        source = Source(mes, ReadModel(nobody))

        found = await source.beginning()
        whole = await source.whole()

        assert (found.count, len(found.rows), whole.count, source.fast) == (1, 1, 1, False)
        assert chunks.unpack(whole.parts[0]) == list(found.rows)
        assert not await source.look_for_the_read_model()


async def test_pages_are_told_of_every_change_once_redis_or_not(
    settings: Settings, mes: Database, model: ReadModel, start: Start
) -> None:
    feed = Feed(settings.mes_database, Source(mes, model))
    async with mes.session() as session:
        vera = Operator(email="vera@atelier.example", name="Vera", password_hash="-")
        session.add(vera)
    running = start(feed)
    with feed.subscribed(OperatorSession(vera.id, vera.session_version)) as page:
        # It was there before the feed: what has changed until the feed began, it reads again.
        begun = {((await page.get()) or b"").splitlines()[0] for _ in range(2)}
        assert begun == {b"event: source", b"event: anew"}
        numbers = []
        for _ in range(3):
            order_id = await new_work(mes)
            message = await page.get()
            assert message is not None
            assert message.startswith(b"event: changes\nid: ")
            numbers.append(order_id.hex[:6].upper().encode() in message)
        assert numbers == [True] * 3

        running.cancel()
        assert await page.get() is None


async def test_what_a_page_has_missed_is_found_by_its_position(
    settings: Settings, mes: Database, model: ReadModel
) -> None:
    source = Source(mes, model)
    await new_work(mes)
    seen = (await source.whole()).stamp.position
    missed = await new_work(mes, State.PRICE_CALCULATED)

    found = await source.since(seen)

    assert found.rows is not None
    assert f"AT-{missed.hex[:6].upper()}" in {row.number for row in found.rows}
    # No further while a transaction of anybody on this server, older than the change, goes on.
    assert found.position >= seen


async def test_a_page_that_does_not_read_is_let_go(
    settings: Settings, mes: Database, model: ReadModel
) -> None:
    feed = Feed(settings.mes_database, Source(mes, model))
    with feed.subscribed(OperatorSession(uuid4(), 0)) as page:
        for _ in range(1000):
            feed.tell(b"event: changes\n\n")
        taken = [page.get_nowait() for _ in range(page.qsize())]
    assert taken[-1] is None
    assert len(taken) < 1000
