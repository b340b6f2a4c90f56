"""Each declared metric is moved, by what the platform itself does, in every way it documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

import tests.integration.atelier.test_metrics_of_events  # noqa: F401 – what its tests claim to move
from atelier.admin import comparing
from atelier.data.database import Database
from atelier.data.mes import Operator
from atelier.data.routing import LagLimit, Why
from atelier.data.shop import Customer, Seller
from atelier.domain.lifecycle import State
from atelier.mail.kinds import OF_ACCOUNTS, Kind
from atelier.mes.listing.feed import Feed, OperatorSession
from atelier.mes.listing.projector import rebuild
from atelier.mes.listing.readmodel import ReadModel
from atelier.mes.listing.source import Source
from atelier.messaging.event import Event
from atelier.partner.limits import Limits, RateLimiter
from atelier.pricing.dispatcher import Dispatcher
from atelier.pricing.pool import Pool
from atelier.running import Running
from atelier.security import hash_password
from atelier.services import SERVICES, SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.storage.model_store import ModelStore
from atelier.telemetry.metrics import REGISTRY
from atelier.usecases import price_requests
from atelier.web import limits
from atelier.web.limits import Limit
from atelier.web.refusal import Refusal
from tests.integration.atelier.background import Start
from tests.integration.atelier.moved import (
    CLAIMED,
    DATABASES,
    NOWHERE,
    PARTNER,
    Moved,
    all_of,
    declared,
    moves,
    values_told,
)
from tests.integration.atelier.uploads import CUBE, OPEN_CUBE, Upload
from tests.integration.atelier.wire import MODEL, told
from touchstone.waiting import eventually_async

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("moved")]

PEOPLE: Final = {"shop": Customer, "crm": Seller, "mes": Operator}
LIMITS: Final = {
    limit.name: limit
    for each in vars(limits).values()
    for limit in (each if isinstance(each, tuple) else (each,))
    if isinstance(limit, Limit)
}
ANY: Final = frozenset({"partner"})
"""Labels that hold what nobody can list."""

OF_THE_PLATFORM: Final[Mapping[tuple[str, str], Collection[str]]] = {
    ("queue", ""): set(SUBSCRIPTIONS),
    ("database", ""): set(DATABASES),
    ("service", "atelier_http_requests_total"): set(SERVICES),
    ("service", "atelier_sign_ins_total"): set(PEOPLE),
    ("state", "atelier_orders"): set(State),
    ("state", "atelier_oldest_order_seconds"): set(State),
    ("kind", "atelier_letters_parked"): {*Kind, *OF_ACCOUNTS},
    ("kind", "atelier_reconciliation_differences"): set(get_args(comparing.Kind)),
    ("limit", "atelier_rate_limit_rejections_total"): {"rate", "quota", *LIMITS},
    ("reason", "atelier_replica_reads_total"): set(Why),
}
"""All values of a label, of one metric or of each, that the platform's own lists tell."""


@pytest.fixture
async def running(settings: Settings) -> AsyncIterator[Running]:
    made = Running(settings.model_copy(update={"limits_times": 1}), SERVICES)
    yield made
    await made.close()


@pytest.fixture
async def cache(settings: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.cache) as client:
        yield client


def at(service: str, running: Running) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(running.application(service))
    return httpx.AsyncClient(transport=transport, base_url="http://atelier.example")


def test_each_declared_metric_has_a_test_that_moves_it_in_every_way() -> None:
    """Who declares a metric, or a value of a label, writes a test below that moves it."""
    missing = []
    for metric in declared():
        claims = [dict(labels) for name, labels in CLAIMED if name == metric.name]
        if not claims:
            missing.append(metric.name)
        for label in set(metric.labels) - ANY:
            wanted = {
                *metric.told.get(label, ()),
                *OF_THE_PLATFORM.get((label, ""), ()),
                *OF_THE_PLATFORM.get((label, metric.name), ()),
            }
            found = {claim[label] for claim in claims if label in claim}
            if not found or not wanted <= found:
                missing.append(f"{metric.name} {label}: {', '.join(sorted(wanted - found))}")
    assert missing == []


def test_no_metric_is_declared_past_this_file() -> None:
    known = {metric.name.removesuffix("_total") for metric in declared()}
    assert {family.name for family in REGISTRY.collect()} == known
    assert {name for name, _ in CLAIMED} == {metric.name for metric in declared()}


@pytest.mark.parametrize(
    ("description", "found"),
    [
        ("Attempts; result: hit, miss or unavailable.", {"result": {"hit", "miss", "unavailable"}}),
        (
            "Events; result: waiting (for one), dead or gone",
            {"result": {"waiting", "dead", "gone"}},
        ),
        ("Reads by where (result: here or there) and why.", {"result": {"here", "there"}}),
        ("Refusals; result: rate or whatever else there is.", {"result": {"rate"}}),
        ("Things; colour: red or blue.", {}),
    ],
)
def test_what_a_description_tells(description: str, found: dict[str, set[str]]) -> None:
    assert values_told(description, ("result",)) == found


@moves(
    "atelier_http_requests_total",
    service=SERVICES,
    method="GET",
    route="/metrics",
    status="200",
)
@moves("atelier_http_request_seconds", service=SERVICES, method="GET", route="/metrics")
@moves("atelier_http_requests_in_progress", service=SERVICES)
async def test_requests(running: Running, moved: Moved) -> None:
    for service in SERVICES:
        async with at(service, running) as client:
            # Which tells of itself that it is being answered.
            moved.look((await client.get("/metrics")).text)


@moves("atelier_sign_ins_total", service=PEOPLE, result=["done", "wrong", "throttled"])
async def test_sign_ins(running: Running, shop: Database, mes: Database) -> None:
    hashed = hash_password("a good pass phrase", running.connections.settings.password_cost)
    for service, people in PEOPLE.items():
        async with (mes if service == "mes" else shop).session() as session:
            session.add(people(name="Anna", email="anna@example.org", password_hash=hashed))
        async with at(service, running) as client:
            for password in ("a good pass phrase", *["wrong"] * 11):
                given = {"email": "anna@example.org", "password": password}
                await client.post("/sign-in", data=given)


@moves("atelier_rate_limit_rejections_total", partner="", limit=LIMITS)
async def test_limits_of_routes(running: Running) -> None:
    app = running.application("shop")
    request = Request({"type": "http", "app": app, "headers": [], "method": "GET", "path": "/"})
    for limit in LIMITS.values():
        strict = (replace(limit, most=1),)
        await limits.count(request, strict, "somebody")
        with pytest.raises(Refusal):
            await limits.count(request, strict, "somebody")


@moves("atelier_rate_limit_rejections_total", partner=str(PARTNER), limit=["rate", "quota"])
@moves("atelier_cache_requests_total", cache="limits", result="unavailable")
async def test_limits_of_partners(cache: Redis) -> None:
    for burst, daily in ((9, 1), (1, 9)):
        for _ in range(3):
            await RateLimiter(cache).take(PARTNER, Limits(burst=burst, window=3600, daily=daily))
        await cache.flushdb()
    async with Redis.from_url(f"redis://{NOWHERE}/0") as nowhere:
        assert await RateLimiter(nowhere).take(PARTNER, Limits(1, 1, 1)) is None


@moves("atelier_pricing_seconds", outcome=["priced", "rejected", "failed"])
@moves("atelier_pricing_wait_seconds", source=["shop", "partner"])
async def test_pricing(mes: Database, tmp_path: Path, start: Start, moved: Moved) -> None:
    models, pool = ModelStore(tmp_path), Pool(time_limit=60, memory=1 << 30)
    kept = [await models.save(Upload(content), 1 << 20) for content in (CUBE, OPEN_CUBE)]
    actors = (f"partner:{PARTNER}", "customer:1", "customer:2")
    for model, actor in zip((*kept, MODEL), actors, strict=True):
        event = told(uuid4(), None, State.SUBMITTED).to_dict()
        event["data"]["model_checksum"] = model.checksum
        async with mes.session() as session:
            await price_requests.handle(session, Event.from_dict({**event, "actor": actor}))
    start(Dispatcher(mes, models, pool, workers=1, retry_delays=()))
    await all_of(test_pricing, moved, "atelier_pricing_seconds", "atelier_pricing_wait_seconds")
    await pool.close()


@moves("atelier_replica_reads_total", database=DATABASES, target="replica", reason="current")
@moves(
    "atelier_replica_reads_total",
    database=DATABASES,
    target="primary",
    reason=set(Why) - {Why.CURRENT},
)
@moves("atelier_replica_lag_bytes", database=DATABASES)
async def test_replicas(settings: Settings, moved: Moved) -> None:
    assert settings.shop_replica is not None
    server = sa.make_url(settings.shop_replica)
    for primary in (settings.shop_database, settings.mes_database):
        copy = server.set(database=sa.make_url(primary).database)
        await read_in_every_way(primary, copy.render_as_string(hide_password=False), moved)


async def read_in_every_way(primary: str, replica: str, moved: Moved) -> None:
    async def is_copy(session: AsyncSession) -> bool:
        return bool(await session.scalar(sa.text("SELECT pg_is_in_recovery()")))

    async def conflict(session: AsyncSession) -> None:
        if await is_copy(session):
            # What a replica says that ends a read for what it has to replay.
            await session.execute(sa.text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))

    patient = LagLimit(1 << 40, 3600)
    for database, after in (
        (Database(primary), 0),
        (Database(primary, replica, lag=patient), 1 << 60),
        (Database(primary, replica, lag=LagLimit(bytes=-1)), 0),  # which no replica keeps
        (Database(primary, f"postgresql://nobody:nothing@{NOWHERE}/nothing"), 0),
    ):
        assert await database.read(is_copy, after=after) is False
        moved.look()
        await database.close()
    good = Database(primary, replica, lag=patient)
    assert await eventually_async(lambda: good.read(is_copy))
    await good.read(conflict)
    await good.close()


@moves("atelier_cache_requests_total", cache="work list", result=["hit", "miss"])
@moves("atelier_live_pages", service="mes")
async def test_the_work_list(settings: Settings, mes: Database, cache: Redis, moved: Moved) -> None:
    model = ReadModel(cache)
    await Source(mes, model).beginning()
    await rebuild(settings.mes_database, model)
    await Source(mes, model).beginning()
    feed = Feed(settings.mes_database, Source(mes, model))
    with feed.subscribed(OperatorSession(uuid4(), 0)):
        moved.look()
    assert REGISTRY.get_sample_value("atelier_live_pages", {"service": "mes"}) == 0
