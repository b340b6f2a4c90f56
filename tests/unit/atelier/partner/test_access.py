"""Which partner asks, and may it now: told without a database or a Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from atelier.data.shop import Partner
from atelier.partner.access import KnownPartner, RateLimitHeaders
from atelier.partner.limits import Limits, Standing
from atelier.security import hash_api_key
from atelier.web.refusal import Refusal

pytestmark = pytest.mark.anyio

KEY = "ak_" + "k" * 43
MERIDIAN = UUID(int=1)
LIMITS = Limits(burst=100, window=10, daily=5000)
NOON = 20_000 * 86_400 + 43_200.0
SETTINGS = SimpleNamespace(partner_burst=100, partner_burst_window=10, partner_daily_quota=5000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Partners:
    """In place of the database: who has the key, and how often it was asked."""

    def __init__(self, partner: Partner | None) -> None:
        self.partner = partner
        self.asked = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Partners]:
        yield self

    async def scalar(self, query: object) -> Partner | None:
        self.asked += 1
        return self.partner


class Buckets:
    """In place of the limiter: how the partner stands, and what it was told."""

    def __init__(self, standing: Standing | None, known: Standing | None = None) -> None:
        self.standing = standing
        self.known = known
        # Who was right before is not counted among those who guess.
        self.good_keys = {hash_api_key(KEY)}
        self.taken: list[tuple[UUID, Limits]] = []

    def known_refusal(self, key_hash: str) -> Standing | None:
        return self.known

    def remember(self, key_hash: str, partner_id: UUID, standing: Standing) -> None:
        self.known = standing

    async def take(self, partner_id: UUID, limits: Limits) -> Standing | None:
        self.taken.append((partner_id, limits))
        return self.standing


def meridian(**more: int) -> Partner:
    return Partner(id=MERIDIAN, name="Meridian", **more)


def stands(refused: str = "", tokens: float = 49.5) -> Standing:
    return Standing(LIMITS, tokens=tokens, used=1200, now=NOON, refused=refused)


async def asked(
    partners: Partners, buckets: Buckets, key: str | None = KEY
) -> tuple[httpx.Response, Mapping[str, str]]:
    application = FastAPI()
    application.state.connections = SimpleNamespace(shop=partners, settings=SETTINGS)
    application.state.limiter = buckets
    application.add_middleware(RateLimitHeaders)

    @application.exception_handler(Refusal)
    def refuse(request: Request, refusal: Refusal) -> JSONResponse:
        return JSONResponse({"type": refusal.slug}, refusal.status, dict(refusal.headers))

    @application.get("/who")
    def who(partner: KnownPartner) -> dict[str, str]:
        return {"name": partner.name}

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://partner.example") as http:
        answer = await http.get("/who", headers=headers)
    return answer, answer.json()


async def test_a_partner_is_known_by_its_key_and_told_how_it_stands() -> None:
    buckets = Buckets(stands())

    answer, said = await asked(Partners(meridian(burst=7)), buckets)

    assert (answer.status_code, said) == (200, {"name": "Meridian"})
    assert buckets.taken == [(MERIDIAN, Limits(burst=7, window=10, daily=5000))]
    assert answer.headers["RateLimit"] == stands().headers["RateLimit"]


async def test_who_sends_no_key_costs_nothing() -> None:
    partners, buckets = Partners(meridian()), Buckets(stands())

    answer, said = await asked(partners, buckets, key=None)

    assert (answer.status_code, said["type"]) == (401, "api-key-missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (partners.asked, buckets.taken) == (0, [])


@pytest.mark.parametrize(
    ("refused", "slug", "wait"),
    [("burst", "too-many-requests", "1"), ("daily", "daily-quota-used-up", "43200")],
)
async def test_who_has_had_enough_is_refused_and_then_costs_no_query(
    refused: str, slug: str, wait: str
) -> None:
    partners, buckets = Partners(meridian()), Buckets(stands(refused, tokens=0))

    for _ in range(3):
        answer, said = await asked(partners, buckets)
        assert (answer.status_code, said["type"]) == (429, slug)
        assert answer.headers["Retry-After"] == wait
        assert "RateLimit-Policy" in answer.headers

    assert (partners.asked, len(buckets.taken)) == (1, 1)


async def test_a_key_that_was_revoked_is_forgotten() -> None:
    buckets = Buckets(stands())

    answer, said = await asked(Partners(None), buckets)

    assert (answer.status_code, said["type"]) == (401, "api-key-unknown")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert (buckets.good_keys, buckets.taken) == (set(), [])


async def test_while_redis_is_away_partners_are_let_in() -> None:
    answer, _ = await asked(Partners(meridian()), Buckets(None))

    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
