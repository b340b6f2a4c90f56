"""Which partner sends a request, by the API key in its Authorization header, and may it now."""

from __future__ import annotations

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.data.shop import ApiKey, Partner
from atelier.languages import gettext_lazy as _
from atelier.languages import ngettext_lazy
from atelier.partner.limits import RateLimiter, Standing, limits_of
from atelier.security import hash_api_key
from atelier.web import limits
from atelier.web.refusal import Refusal
from atelier.web.scope import connections_of

_bearer: Final = HTTPBearer(auto_error=False, description="Your API key: `ak_` and 43 characters.")


async def _partner(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Partner:
    if given is None:
        raise Refusal(
            401,
            "api-key-missing",
            _("API key missing"),
            _("Send your API key in the header: Authorization: Bearer ak_…"),
            headers={"WWW-Authenticate": "Bearer"},
        )
    connections = connections_of(request)
    key_hash = hash_api_key(given.credentials)
    limiter: RateLimiter = request.app.state.limiter
    if (standing := limiter.known_refusal(key_hash)) is not None:
        request.state.standing = standing
        raise _refusal(standing)
    good_keys = limiter.good_keys
    if key_hash not in good_keys:
        # Before it is looked for: guessing costs no query. Who was right before is not held up by
        # somebody at the same address.
        await limits.count(request, (limits.WRONG_KEYS,), limits.address_of(request))
    async with connections.shop.session() as session:
        partner: Partner | None = await session.scalar(
            sa.select(Partner)
            .join(ApiKey, ApiKey.partner_id == Partner.id)
            .where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None))
        )
    if partner is None:
        good_keys.discard(key_hash)
        raise unknown_key()
    good_keys.add(key_hash)
    request.state.key_hash = key_hash
    standing = await limiter.take(partner.id, limits_of(partner, connections.settings))
    if standing is not None:
        request.state.standing = standing
        if standing.refused:
            limiter.remember(key_hash, partner.id, standing)
            raise _refusal(standing)
    return partner


def unknown_key() -> Refusal:
    """The refusal of a key that we never gave out, or that has been revoked."""
    return Refusal(
        401,
        "api-key-unknown",
        _("API key not known"),
        _("There is no such API key, or it has been revoked. Check it, or ask us for a new one."),
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


KnownPartner = Annotated[Partner, Depends(_partner)]


class RateLimitHeaders:
    """ASGI middleware: every answer to a partner says how the partner stands, refusals included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            standing: Standing | None = scope.get("state", {}).get("standing")
            if message["type"] == "http.response.start" and standing is not None:
                MutableHeaders(scope=message).update(standing.headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _refusal(standing: Standing) -> Refusal:
    wait, allowed = standing.retry_after, standing.limits
    headers = {"Retry-After": str(wait)}
    if standing.refused == "daily":
        return Refusal(
            429,
            "daily-quota-used-up",
            _("Daily quota used up"),
            ngettext_lazy(
                "You may send %(daily)s requests a day, and today's are used up. The next day "
                "begins at midnight UTC, in %(count)s second.",
                "You may send %(daily)s requests a day, and today's are used up. The next day "
                "begins at midnight UTC, in %(count)s seconds.",
                wait,
                daily=allowed.daily,
            ),
            headers=headers,
        )
    return Refusal(
        429,
        "too-many-requests",
        _("Too many requests"),
        ngettext_lazy(
            "You may send %(burst)s requests at once, and as many again in the course of "
            "%(window)s seconds. Nothing was done. Try again in %(count)s second.",
            "You may send %(burst)s requests at once, and as many again in the course of "
            "%(window)s seconds. Nothing was done. Try again in %(count)s seconds.",
            wait,
            burst=allowed.burst,
            window=allowed.window,
        ),
        headers=headers,
    )
