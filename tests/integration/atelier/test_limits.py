"""A partner's limits, as the script in Redis keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from atelier.partner.limits import DAY, Limits, RateLimiter, Standing
from atelier.settings import Settings
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

LIMITS = Limits(burst=3, window=3600, daily=1000)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.cache)
    yield client
    await client.aclose()


@pytest.fixture
def limiter(redis: Redis) -> RateLimiter:
    return RateLimiter(redis)


async def take(limiter: RateLimiter, partner: object, limits: Limits = LIMITS) -> Standing:
    standing = await limiter.take(partner, limits)  # type: ignore[arg-type]
    assert standing is not None
    return standing


async def test_a_bucket_is_emptied_and_no_more(limiter: RateLimiter) -> None:
    partner = uuid4()

    refused = [(await take(limiter, partner)).refused for _ in range(5)]

    assert refused == ["", "", "", "burst", "burst"]
    assert (await take(limiter, uuid4())).refused == "", "another partner has a bucket of its own"


async def test_requests_at_once_never_take_the_same_token(limiter: RateLimiter) -> None:
    partner = uuid4()

    standings = await asyncio.gather(*(take(limiter, partner) for _ in range(20)))

    assert [standing.refused for standing in standings].count("") == 3


async def test_a_bucket_fills_with_time(limiter: RateLimiter, redis: Redis) -> None:
    partner = uuid4()
    for _ in range(3):
        await take(limiter, partner)
    key = f"atelier:limits:{partner}"
    emptied = float(await redis.hget(key, "at") or "")
    # A third of the window ago: one token is back.
    await redis.hset(key, "at", str(emptied - 1200))

    refused = [(await take(limiter, partner)).refused for _ in range(2)]

    assert refused == ["", "burst"]


async def test_who_is_refused_learns_when_to_come_back(limiter: RateLimiter) -> None:
    partner = uuid4()
    for _ in range(3):
        await take(limiter, partner)

    standing = await take(limiter, partner)

    assert 1100 < standing.retry_after <= 1200


async def test_a_day_has_an_end(limiter: RateLimiter, redis: Redis) -> None:
    partner, limits = uuid4(), Limits(burst=100, window=10, daily=2)
    standings = [await take(limiter, partner, limits) for _ in range(3)]
    assert [standing.refused for standing in standings] == ["", "", "daily"]
    assert 0 < standings[-1].retry_after <= DAY

    key = f"atelier:limits:{partner}"
    await redis.hset(key, "day", int(await redis.hget(key, "day") or "") - 1)

    assert (await take(limiter, partner, limits)).refused == ""


async def test_a_refused_request_costs_nothing_of_the_day(limiter: RateLimiter) -> None:
    partner = uuid4()

    for _ in range(10):
        standing = await take(limiter, partner)

    assert standing.used == 3


async def test_a_limit_that_was_lowered_holds_at_once(limiter: RateLimiter) -> None:
    partner = uuid4()
    await take(limiter, partner, Limits(burst=100, window=3600, daily=1000))

    refused = [(await take(limiter, partner)).refused for _ in range(4)]

    assert refused == ["", "", "", "burst"]


async def test_what_is_kept_is_not_kept_for_ever(limiter: RateLimiter, redis: Redis) -> None:
    partner = uuid4()
    await take(limiter, partner)

    assert 0 < await redis.ttl(f"atelier:limits:{partner}") <= DAY


async def test_without_redis_everybody_is_let_through() -> None:
    # Nothing listens on this port.
    async with Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        limiter = RateLimiter(nowhere)
        assert await limiter.take(uuid4(), LIMITS) is None
        assert await limiter.take(uuid4(), LIMITS) is None


async def test_a_refusal_is_known_until_a_token_can_have_come(limiter: RateLimiter) -> None:
    partner, limits = uuid4(), Limits(burst=2, window=1, daily=1000)
    while not (standing := await take(limiter, partner, limits)).refused:
        pass
    assert 0 < standing.next_token <= 0.5

    limiter.remember("its key", partner, standing)

    assert limiter.known_refusal("its key") is standing
    assert limiter.known_refusal("another key") is None

    async def forgotten() -> bool:
        return limiter.known_refusal("its key") is None

    await eventually_async(forgotten)
    assert (await take(limiter, partner, limits)).refused == ""
