"""How often somebody may try to sign in.

Counted for an account and an address together, so that a guesser elsewhere locks nobody out. While
Redis is away nobody is counted: people who know their password can still sign in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import structlog
from redis.asyncio import Redis
from starlette.requests import Request

from atelier.cache import CACHE_GONE
from atelier.languages import gettext_lazy as _
from atelier.languages import ngettext_lazy
from atelier.telemetry import metrics
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of, service_of

ATTEMPTS: Final = 10
WITHIN: Final = 15 * 60  # seconds

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One attempt to sign in. `key` tells nobody whose account it is about."""

    cache: Redis
    service: str
    key: str

    @classmethod
    def at(cls, request: Request, email: str) -> Attempt:
        address = request.client.host if request.client else ""
        service = service_of(request).name
        known = hashlib.sha256(f"{email}\n{address}".encode(errors="replace")).hexdigest()
        return cls(connections_of(request).cache, service, f"sign-in:{service}:{known}")

    async def begin(self) -> None:
        """Counted before the password is looked at, so that many at once are many.

        Raises Refusal (429) after `ATTEMPTS` in the last `WITHIN` seconds.
        """
        try:
            async with self.cache.pipeline(transaction=True) as pipeline:
                pipeline.set(self.key, 0, ex=WITHIN, nx=True)
                pipeline.incr(self.key)
                pipeline.ttl(self.key)
                _, so_far, left = await pipeline.execute()
        except CACHE_GONE as error:
            _log.warning("sign-ins are not counted", reason=type(error).__name__)
            return
        if so_far > ATTEMPTS:
            self.count("throttled")
            raise _too_many(max(left, 1))

    async def succeed(self) -> None:
        """The right password starts the count anew."""
        self.count("done")
        await self.forget()

    async def forget(self) -> None:
        """The count starts anew."""
        try:
            await self.cache.delete(self.key)
        except CACHE_GONE as error:
            _log.warning("sign-ins are not counted", reason=type(error).__name__)

    def count(self, result: Literal["done", "wrong", "throttled"]) -> None:
        metrics.sign_ins_total.labels(self.service, result).inc()


def _too_many(seconds: int) -> Refusal:
    minutes = -(-seconds // 60)
    return Refusal(
        429,
        "too-many-sign-ins",
        _("Too many attempts"),
        ngettext_lazy(
            "There were too many attempts to sign in. Please try again in %(count)s minute.",
            "There were too many attempts to sign in. Please try again in %(count)s minutes.",
            minutes,
        ),
        headers={"Retry-After": str(seconds)},
    )
