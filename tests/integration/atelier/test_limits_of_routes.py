"""Limits of routes, as applications with a real Redis keep them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from redis.asyncio import Redis

from atelier.data.database import Database
from atelier.data.shop import ApiKey, Customer, Order, Partner
from atelier.running import Running
from atelier.security import hash_api_key, new_api_key, sign_session
from atelier.settings import Settings
from atelier.web.limits import ORDERS, REGISTRATIONS, SIGN_INS, WRONG_KEYS
from fixtures import models

pytestmark = pytest.mark.anyio

_FILE = {"model": ("ring.stl", models.as_binary_stl(models.ring(segments=8)))}
At = Callable[..., httpx.AsyncClient]
"""Somebody at a service, at an address of the inner network."""


@pytest.fixture
async def at(settings: Settings) -> AsyncIterator[At]:
    """Applications with the limits that the platform has unless it is told otherwise."""
    strict = settings.model_copy(update={"limits_times": 1})
    async with AsyncExitStack() as leaving:
        running = Running(strict, {"shop", "partner"})
        leaving.push_async_callback(running.close)
        applications = {name: running.application(name) for name in ("shop", "partner")}

        def at(service: str, address: str = "10.0.0.1", **options: object) -> httpx.AsyncClient:
            return httpx.AsyncClient(
                transport=httpx.ASGITransport(applications[service], client=(address, 1)),
                base_url="http://atelier.example",
                **options,  # type: ignore[arg-type]
            )

        yield at


@pytest.fixture
async def anna(shop: Database, settings: Settings) -> dict[str, str]:
    """The session of a customer."""
    customer = Customer(email="anna@example.org", name="Anna", password_hash="-")
    async with shop.session() as session:
        session.add(customer)
    return {"atelier_shop": sign_session("shop", customer.id, settings.secret_key)}


def refused(answer: httpx.Response) -> bool:
    """With words and the time to wait, where it was refused."""
    if answer.status_code != 429:
        return False
    assert int(answer.headers["Retry-After"]) > 0
    assert "Try again in" in answer.text
    return True


async def test_a_new_account_starts_no_hundreds_of_orders(
    at: At, anna: dict[str, str], shop: Database
) -> None:
    # Another address is no other person.
    answers = [
        await at("shop", f"10.0.0.{elsewhere}", cookies=anna).post("/orders", files=_FILE)
        for elsewhere in range(1, ORDERS[0].most + 6)
    ]

    assert [refused(answer) for answer in answers] == [False] * ORDERS[0].most + [True] * 5
    async with shop.session() as session:
        made = await session.scalar(sa.select(sa.func.count()).select_from(Order))
    assert made == ORDERS[0].most
    # Neither is a ring of the constructor another matter.
    assert refused(await at("shop", cookies=anna).post("/studio/order"))


async def test_one_address_registers_no_crowd_and_guesses_for_no_crowd(at: At) -> None:
    for path, limit in {"/register": REGISTRATIONS[0], "/sign-in": SIGN_INS}.items():
        asked = [
            await at("shop").post(path, data={"email": f"{uuid4().hex}@example.org"})
            for _ in range(limit.most + 1)
        ]
        assert [refused(answer) for answer in asked] == [False] * limit.most + [True]
        assert not refused(await at("shop", "10.0.0.2").post(path)), "another address may"


async def test_guessing_keys_ends_soon_and_holds_up_nobody_who_has_one(
    at: At, shop: Database
) -> None:
    key = new_api_key()
    async with shop.session() as session:
        partner = Partner(name="Goldfinch")
        session.add(partner)
        await session.flush()
        session.add(ApiKey(partner_id=partner.id, key_hash=hash_api_key(key)))
    good = {"Authorization": f"Bearer {key}"}
    assert (await at("partner").get("/api/v1/orders", headers=good)).status_code == 200

    guesses = [
        await at("partner").get(
            "/api/v1/orders", headers={"Authorization": f"Bearer {new_api_key()}"}
        )
        for _ in range(WRONG_KEYS.most + 1)
    ]

    assert {answer.status_code for answer in guesses[: WRONG_KEYS.most - 1]} == {401}
    assert refused(guesses[-1])
    assert guesses[-1].headers["content-type"] == "application/problem+json"
    assert (await at("partner").get("/api/v1/orders", headers=good)).status_code == 200


async def test_no_count_is_kept_for_ever_or_tells_whose_it_is(
    at: At, anna: dict[str, str], settings: Settings
) -> None:
    await at("shop", cookies=anna).post("/orders", files=_FILE)
    await at("shop").post("/register")

    async with Redis.from_url(settings.cache) as redis:
        keys = [key async for key in redis.scan_iter("atelier:times:*")]
        assert len(keys) == len(ORDERS) + len(REGISTRATIONS)
        for key in keys:
            assert 0 < await redis.ttl(key) <= 86_400
            assert b"10.0.0.1" not in key


async def test_without_redis_nobody_is_refused(
    settings: Settings, anna: dict[str, str], shop: Database
) -> None:
    # Nothing listens on this port.
    alone = settings.model_copy(update={"limits_times": 1, "cache": "redis://127.0.0.1:1/0"})
    running = Running(alone, {"shop"})
    transport = httpx.ASGITransport(running.application("shop"))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://atelier.example", cookies=anna
    ) as client:
        answers = [await client.post("/orders", files=_FILE) for _ in range(ORDERS[0].most + 1)]
    await running.close()

    assert {answer.status_code for answer in answers} == {303}
