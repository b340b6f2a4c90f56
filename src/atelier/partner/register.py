"""The companies that may order through the API: their keys and their limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier import security
from atelier.clock import now
from atelier.data.shop import ApiKey, Partner
from atelier.domain.people import BadName, Named, clean_name

MOST_KEYS: Final = 10
"""Good ones that a partner's program may make for itself; by command there may be more."""
MOST_KEYS_A_DAY: Final = 20


class NotRegistered(Exception):
    """Says what is not there, or is there already."""


async def add(session: AsyncSession, name: str) -> Partner:
    """The name is kept as people's names are. Raises NotRegistered where it is taken, BadName."""
    name = clean_name(name, Named.COMPANY)
    if await _all_called(session, name):
        raise NotRegistered(f"There is a partner {name} already.")
    partner = Partner(name=name)
    session.add(partner)
    return partner


async def partners(session: AsyncSession) -> Sequence[Partner]:
    """By name."""
    return (await session.scalars(sa.select(Partner).order_by(Partner.name, Partner.id))).all()


async def find(session: AsyncSession, wanted: str) -> Partner:
    """The partner of this name or id. Raises NotRegistered."""
    found = await _all_called(session, wanted)
    if not found:
        raise NotRegistered(f"There is no partner {wanted}; `atelier partner list` shows all.")
    if len(found) > 1:
        raise NotRegistered(f"{len(found)} partners are called {wanted}; say which one by its id.")
    return found[0]


async def add_key(session: AsyncSession, partner: Partner, label: str) -> tuple[ApiKey, str]:
    """What is kept of a new key, and the key itself."""
    key = security.new_api_key()
    made = ApiKey(partner_id=partner.id, label=label, key_hash=security.hash_api_key(key))
    session.add(made)
    return made, key


async def make_key(
    session: AsyncSession, partner: Partner, label: str
) -> tuple[ApiKey, str] | None:
    """Like `add_key`, for the partner's own program; None where it has, or has lately made, as
    many as it may."""
    lately = (
        sa.select(sa.func.count())
        .select_from(ApiKey)
        .where(ApiKey.partner_id == partner.id, ApiKey.created_at > now() - timedelta(days=1))
    )
    if (
        len(await good_keys(session, partner.id)) >= MOST_KEYS
        or (await session.scalars(lately)).one() >= MOST_KEYS_A_DAY
    ):
        return None
    made, key = await add_key(session, partner, label)
    await session.flush()
    return made, key


async def good_keys(
    session: AsyncSession, partner_id: UUID, *, lock: bool = False
) -> Sequence[ApiKey]:
    """Oldest first, without the revoked ones; `lock` lets nobody else of the partner make or
    revoke one meanwhile."""
    if lock:
        await session.get_one(Partner, partner_id, with_for_update={"key_share": True})
    query = sa.select(ApiKey).where(ApiKey.partner_id == partner_id, ApiKey.revoked_at.is_(None))
    return (await session.scalars(query.order_by(ApiKey.created_at, ApiKey.id))).all()


async def keys_of(session: AsyncSession, partner: Partner) -> Sequence[ApiKey]:
    """Oldest first, revoked ones too."""
    query = sa.select(ApiKey).where(ApiKey.partner_id == partner.id)
    return (await session.scalars(query.order_by(ApiKey.created_at))).all()


async def revoke(session: AsyncSession, key_id: UUID) -> None:
    """The key is refused from now on. Raises NotRegistered."""
    key = await session.get(ApiKey, key_id)
    if key is None:
        raise NotRegistered(f"There is no key {key_id}.")
    key.revoked_at = key.revoked_at or now()


async def _all_called(session: AsyncSession, wanted: str) -> Sequence[Partner]:
    try:
        by_id = await session.get(Partner, UUID(wanted))
    except ValueError:
        return (await session.scalars(sa.select(Partner).where(_is_called(wanted)))).all()
    return [] if by_id is None else [by_id]


def _is_called(wanted: str) -> sa.ColumnElement[bool]:
    """As it was typed, for those who were here before names were cleaned, or as it is kept."""
    try:
        return Partner.name.in_({wanted, clean_name(wanted)})
    except BadName:
        return Partner.name == wanted
