"""Takes a partner's order once, however often its request is sent.

The key's row and the order are one transaction. Of two requests that come at once the second waits
for the first one's commit, finds the key's row there, and takes its own order back.

A key is kept for a day; then it is free again, and `atelier prune` deletes its row.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import IdempotencyKey, Order, OrderHistory
from atelier.languages import gettext_lazy as _
from atelier.storage.model_store import StoredModel
from atelier.usecases import orders
from atelier.web.refusal import Refusal

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Request:
    """What a partner asks for."""

    partner_id: UUID
    key: str
    model: StoredModel
    metal: str
    finish: str
    reference: str | None

    @property
    def fingerprint(self) -> str:
        """Equal for equal orders, as 64 hex digits. The file's name does not matter."""
        content = json.dumps([self.metal, self.finish, self.reference, self.model.checksum])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class Intake:
    """The order that a request led to, and the first entry of its history.

    `replayed` when an earlier request had led to it.
    """

    order: Order
    first: OrderHistory
    replayed: bool


def checked_key(key: str | None) -> str:
    """The idempotency key of a request. Raises Refusal (400) when it is missing or malformed."""
    if not key:
        raise Refusal(
            400,
            "idempotency-key-missing",
            _("Idempotency key missing"),
            _(
                "Send a header Idempotency-Key that is unique for this order, such as a UUID, so "
                "that repeating the request cannot order twice."
            ),
        )
    if not _KEY.fullmatch(key):
        raise Refusal(
            400,
            "idempotency-key-malformed",
            _("Idempotency key malformed"),
            _("The Idempotency-Key must be 1 to 255 visible ASCII characters without blanks."),
        )
    return key


async def take_in(shop: Database, request: Request) -> Intake:
    """Places the order, or finds the one that the same request placed.

    Raises UnknownMetal, UnknownFinish, and Refusal (422) when the key stands for another order.
    """
    try:
        async with shop.session() as session:
            known = await _known(session, request)
            if known is not None:
                return known
            order = await orders.place(
                session,
                request.partner_id,
                request.model,
                request.metal,
                request.finish,
                request.reference,
            )
            if not await _claim(session, request, order):
                raise _CameSecond
            [first] = await orders.history(session, order.id)
            return Intake(order, first, replayed=False)
    except _CameSecond:
        async with shop.session() as session:
            known = await _known(session, request)
            if known is None:
                raise AssertionError("an idempotency key that was claimed is not there") from None
            return known


class _CameSecond(Exception):
    """Another request with the same key was faster."""


async def _claim(session: AsyncSession, request: Request, order: Order) -> bool:
    """Whether the key stands for `order` now: nobody has it, or whoever had it a day ago."""
    claim = insert(IdempotencyKey).values(
        partner_id=request.partner_id,
        key=request.key,
        fingerprint=request.fingerprint,
        order_id=order.id,
    )
    claimed = await session.scalar(
        claim.on_conflict_do_update(
            index_elements=["partner_id", "key"],
            set_={
                "fingerprint": claim.excluded.fingerprint,
                "order_id": claim.excluded.order_id,
                "created_at": now(),
            },
            where=IdempotencyKey.created_at < now() - IdempotencyKey.KEPT_FOR,
        ).returning(IdempotencyKey.order_id)
    )
    return claimed is not None


async def _known(session: AsyncSession, request: Request) -> Intake | None:
    row = await session.get(IdempotencyKey, (request.partner_id, request.key))
    if row is None or row.created_at < now() - IdempotencyKey.KEPT_FOR:
        return None
    if row.fingerprint != request.fingerprint:
        raise Refusal(
            422,
            "idempotency-key-reused",
            _("Idempotency key used for another order"),
            _(
                "This Idempotency-Key was sent before with another model, metal, finish or "
                "reference. Send each order with a key of its own."
            ),
        )
    order = await session.scalar(sa.select(Order).where(Order.id == row.order_id))
    if order is None:
        raise AssertionError(f"the order {row.order_id} of an idempotency key is not there")
    return Intake(order, (await orders.history(session, order.id))[0], replayed=True)
