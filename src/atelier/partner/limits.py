"""How many requests a partner may send: a token bucket and a daily quota, kept in Redis.

The bucket holds `burst` tokens, refilled evenly over `window` seconds; each request takes one. Days
are those of UTC. Refused requests cost nothing. One script looks and takes, so that two requests
never take the same token.

When Redis is away, requests are let through: limits protect the platform from too much, and nothing
is better protected by refusing everybody.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis

from atelier.cache import CACHE_GONE
from atelier.data.shop import Partner
from atelier.settings import Settings
from atelier.telemetry import metrics

log = structlog.get_logger(__name__)

DAY: Final = 86_400  # seconds
_PAUSE: Final = 1.0  # seconds without asking a Redis that did not answer
# Seconds for which a refusal may be repeated: keys are revoked and limits changed meanwhile.
_LONGEST_MEMORY: Final = 1.0

# Redis's clock: those of the platform's processes may differ.
_TAKE: Final = """
local burst, window, quota = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local today = math.floor(now / 86400)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'day', 'used')
local since = math.max(0, now - (tonumber(kept[2]) or now))
local tokens = math.min(burst, (tonumber(kept[1]) or burst) + since * burst / window)
local used = tonumber(kept[3]) == today and tonumber(kept[4]) or 0
local refused = ''
if used >= quota then
    refused = 'daily'
elseif tokens < 1 then
    refused = 'burst'
else
    tokens = tokens - 1
    used = used + 1
end
local left, at = string.format('%.6f', tokens), string.format('%.6f', now)
redis.call('HSET', KEYS[1], 'tokens', left, 'at', at, 'day', today, 'used', used)
redis.call('EXPIRE', KEYS[1], math.max(86400, window))
return {refused, left, used, at}
"""


@dataclass(frozen=True)
class Limits:
    """`burst` requests in `window` seconds, and `daily` ones a day."""

    burst: int
    window: int
    daily: int


def limits_of(partner: Partner, settings: Settings) -> Limits:
    """The limits of the partner's own row, or else those of the settings."""
    return Limits(
        burst=settings.partner_burst if partner.burst is None else partner.burst,
        window=(
            settings.partner_burst_window if partner.burst_window is None else partner.burst_window
        ),
        daily=settings.partner_daily_quota if partner.daily_quota is None else partner.daily_quota,
    )


@dataclass(frozen=True)
class Standing:
    """How a partner stands after a request. `refused` names the limit that it met, if any."""

    limits: Limits
    tokens: float
    used: int
    now: float  # seconds since 1970, by Redis's clock
    refused: str = ""

    @property
    def retry_after(self) -> int:
        """Whole seconds until a request can succeed again; 0 when this one did."""
        if self.refused == "daily":
            return self._until_midnight
        return self._until(1) if self.refused else 0

    @property
    def next_token(self) -> float:
        """Seconds until a request can succeed again."""
        if self.refused == "daily":
            return self._until_midnight
        return max(0.0, 1 - self.tokens) * self.limits.window / self.limits.burst

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them: `t` is when all of `q` is there."""
        limits = self.limits
        burst, daily = math.floor(self.tokens), max(0, limits.daily - self.used)
        return {
            "RateLimit-Policy": f'"burst";q={limits.burst};w={limits.window}, '
            f'"daily";q={limits.daily};w={DAY}',
            "RateLimit": f'"burst";r={burst};t={self._until(limits.burst)}, '
            f'"daily";r={daily};t={self._until_midnight}',
        }

    @property
    def _until_midnight(self) -> int:
        return max(1, math.ceil(DAY - self.now % DAY))

    def _until(self, tokens: int) -> int:
        return math.ceil((tokens - self.tokens) * self.limits.window / self.limits.burst)


class RateLimiter:
    def __init__(self, redis: Redis) -> None:
        self._take = redis.register_script(_TAKE)
        self._ask_again_at = 0.0
        self.good_keys: set[str] = set()
        self._refused: dict[str, tuple[float, UUID, Standing]] = {}

    def known_refusal(self, key_hash: str) -> Standing | None:
        """The refusal of the last request with this API key, while no token can have come since.

        So a flood costs neither a query nor a question to Redis: only its first request does, for
        each token that comes.
        """
        until, partner_id, standing = self._refused.get(key_hash, (0.0, None, None))
        if time.monotonic() >= until or standing is None:
            return None
        _count(partner_id, standing)
        return standing

    def remember(self, key_hash: str, partner_id: UUID, standing: Standing) -> None:
        """Let `known_refusal` know of a refusal."""
        until = time.monotonic() + min(standing.next_token, _LONGEST_MEMORY)
        self._refused[key_hash] = until, partner_id, standing

    async def take(self, partner_id: UUID, limits: Limits) -> Standing | None:
        """Takes a token, if there is one; None when Redis does not answer."""
        if time.monotonic() < self._ask_again_at:
            metrics.cache_requests_total.labels("limits", "unavailable").inc()
            return None
        try:
            refused, tokens, used, now = await self._take(
                keys=[f"atelier:limits:{partner_id}"],
                args=[limits.burst, limits.window, limits.daily],
            )
        except CACHE_GONE as error:
            self._ask_again_at = time.monotonic() + _PAUSE
            metrics.cache_requests_total.labels("limits", "unavailable").inc()
            log.warning("rate limits are not kept: Redis is away", reason=type(error).__name__)
            return None
        standing = Standing(limits, float(tokens), int(used), float(now), refused.decode())
        if standing.refused:
            _count(partner_id, standing)
        return standing


def _count(partner_id: UUID | None, standing: Standing) -> None:
    limit = "quota" if standing.refused == "daily" else "rate"
    metrics.rate_limit_rejections_total.labels(str(partner_id), limit).inc()
