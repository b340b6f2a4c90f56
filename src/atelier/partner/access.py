"""Which partner sends a request: the API key in its Authorization header."""

from __future__ import annotations

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from atelier.data.shop import ApiKey, Partner
from atelier.security import hash_api_key
from atelier.web.refusal import Refusal
from atelier.web.scope import resources_of

_bearer: Final = HTTPBearer(auto_error=False, description="Your API key: `ak_` and 43 characters.")


async def _partner(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Partner:
    if given is None:
        raise Refusal(
            401,
            "api-key-missing",
            "API key missing",
            "Send your API key in the header: Authorization: Bearer ak_…",
            headers={"WWW-Authenticate": "Bearer"},
        )
    async with resources_of(request).shop.session() as session:
        partner: Partner | None = await session.scalar(
            sa.select(Partner)
            .join(ApiKey, ApiKey.partner_id == Partner.id)
            .where(ApiKey.key_hash == hash_api_key(given.credentials), ApiKey.revoked_at.is_(None))
        )
    if partner is None:
        raise Refusal(
            401,
            "api-key-unknown",
            "API key not known",
            "There is no such API key, or it has been revoked. Check it, or ask us for a new one.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return partner


KnownPartner = Annotated[Partner, Depends(_partner)]
