"""Takes a partner's order, or another model for it, once, however often its request is sent.

The key's row and what the request leads to are one transaction. Of two requests that come at once
the second waits for the first one's commit, finds the key's row there, and takes its own step back.

A key is kept for a day; then it is free again, and `atelier prune` deletes its row. The row was
made at the very moment of the step that its request led to: by that the step is found again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import IdempotencyKey, Order, OrderHistory
from atelier.domain import finishes
from atelier.domain.lifecycle import Owner, State
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
class Replacement:
    """Another model for an order of the partner's. A metal or finish that is "" stays."""

    partner_id: UUID
    key: str
    order_id: UUID
    model: StoredModel
    metal: str
    finish: str

    @property
    def fingerprint(self) -> str:
        """Equal for equal replacements, as that of a `Request`, and never equal to one."""
        content = json.dumps([str(self.order_id), self.metal, self.finish, self.model.checksum, ""])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class Intake:
    """The order that a request led to, and the entry of its history by which it was submitted.

    `replayed` when an earlier request had led to it.
    """

    order: Order
    submitted: OrderHistory
    replayed: bool


def checked_key(key: str | None) -> str:
    """The idempotency key of a request. Raises Refusal (400) when it is missing or malformed."""
    if not key:
        raise Refusal(
            400,
            "idempotency-key-missing",
            _("Idempotency key missing"),
            _(
                "Send a header Idempotency-Key that is unique for this request, such as a UUID, so "
                "that repeating it does nothing twice."
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

    Raises UnknownMetal, UnknownFinish, and Refusal (422) when the key stands for something else.
    """

    async def place(session: AsyncSession) -> Order:
        return await orders.place(
            session,
            request.partner_id,
            request.model,
            request.metal,
            request.finish,
            request.reference,
        )

    return await _once(shop, request, place)


async def replace_model(shop: Database, request: Replacement) -> Intake:
    """Submits the order anew with another model, or finds that the same request did.

    Raises IllegalTransition, and Refusal (422) when the key stands for something else.
    """
    actor = f"partner:{request.partner_id}"

    async def replace(session: AsyncSession) -> Order:
        order = await session.get_one(Order, request.order_id)
        order = await orders.attach_model(session, order, request.model, actor, owner=Owner.PARTNER)
        metal, finish = request.metal or order.metal, request.finish or order.finish
        return await orders.submit(
            session, order, metal or "", finish or finishes.USUAL, actor, owner=Owner.PARTNER
        )

    return await _once(shop, request, replace)


async def is_used(session: AsyncSession, partner_id: UUID, key: str) -> bool:
    """Whether the key stands for something already."""
    return await _kept(session, partner_id, key) is not None


async def _once(
    shop: Database,
    request: Request | Replacement,
    act: Callable[[AsyncSession], Awaitable[Order]],
) -> Intake:
    try:
        async with shop.session() as session:
            if isinstance(request, Replacement):
                # Whoever comes second with the same key looks for it when the first one is done.
                await session.get_one(Order, request.order_id, with_for_update=True)
            known = await _known(session, request)
            if known is not None:
                return known
            order = await act(session)
            submitted = (await orders.history(session, order.id))[-1]
            if not await _claim(session, request, submitted):
                raise _CameSecond
            return Intake(order, submitted, replayed=False)
    except _CameSecond:
        async with shop.session() as session:
            known = await _known(session, request)
            if known is None:
                raise AssertionError("an idempotency key that was claimed is not there") from None
            return known


class _CameSecond(Exception):
    """Another request with the same key was faster."""


async def _claim(
    session: AsyncSession, request: Request | Replacement, submitted: OrderHistory
) -> bool:
    """Whether the key stands for this step now: nobody has it, or whoever had it a day ago."""
    claim = insert(IdempotencyKey).values(
        partner_id=request.partner_id,
        key=request.key,
        fingerprint=request.fingerprint,
        order_id=submitted.order_id,
        created_at=submitted.occurred_at,
    )
    claimed = await session.scalar(
        claim.on_conflict_do_update(
            index_elements=["partner_id", "key"],
            set_={
                "fingerprint": claim.excluded.fingerprint,
                "order_id": claim.excluded.order_id,
                "created_at": claim.excluded.created_at,
            },
            where=IdempotencyKey.created_at < now() - IdempotencyKey.KEPT_FOR,
        ).returning(IdempotencyKey.order_id)
    )
    return claimed is not None


async def _kept(session: AsyncSession, partner_id: UUID, key: str) -> IdempotencyKey | None:
    row = await session.get(IdempotencyKey, (partner_id, key))
    if row is None or row.created_at < now() - IdempotencyKey.KEPT_FOR:
        return None
    return row


async def _known(session: AsyncSession, request: Request | Replacement) -> Intake | None:
    row = await _kept(session, request.partner_id, request.key)
    if row is None:
        return None
    if row.fingerprint != request.fingerprint:
        raise Refusal(
            422,
            "idempotency-key-reused",
            _("Idempotency key used for another request"),
            _(
                "This Idempotency-Key was sent before with another order, model, metal, finish or "
                "reference. Send each request with a key of its own."
            ),
        )
    order = await session.scalar(sa.select(Order).where(Order.id == row.order_id))
    if order is None:
        raise AssertionError(f"the order {row.order_id} of an idempotency key is not there")
    steps = await orders.history(session, order.id)
    submissions = [step for step in steps if step.to_state is State.SUBMITTED]
    # A row of the version before is not as old as any step; its order had one submission.
    submitted = next(
        (step for step in submissions if step.occurred_at == row.created_at), submissions[0]
    )
    return Intake(order, submitted, replayed=True)
