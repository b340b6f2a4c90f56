"""Takes away what nobody will ask for any more: old events, old webhooks, idempotency keys that
are free again, and orders that were begun and never submitted, with their models.

The events of an order that is still under way stay, however old: reconciliation sends them again
where a system has missed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.dml import ReturningDelete

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.mes import WorkOrder
from atelier.data.outbox_tables import consumed_event, outbox
from atelier.data.shop import Delivery, IdempotencyKey, Order, WebhookDelivery
from atelier.domain.lifecycle import TRANSITIONS, State
from atelier.storage.model_store import ModelStore
from atelier.usecases import unfinished

_FINAL: Final = [state for state in State if all(before is not state for before, _ in TRANSITIONS)]
_AT_ONCE: Final = 5_000  # rows of a transaction, so that none holds its locks for long


async def prune(shop: Database, mes: Database, before: datetime) -> Mapping[str, int]:
    """Delete published events, the notes of consumed ones and webhooks that partners have taken,
    from before that moment; and idempotency keys whose day is over.

    Returns how many rows of each table went.
    """
    return {
        "shop: outbox": await _prune(shop, _old_events(Order.id, Order.state, before)),
        "shop: consumed_event": await _prune(shop, _old_notes(before)),
        "shop: idempotency_key": await _prune(shop, _free_keys()),
        "shop: webhook_delivery": await _prune(shop, _old_deliveries(before)),
        "mes: outbox": await _prune(mes, _old_events(WorkOrder.order_id, WorkOrder.state, before)),
        "mes: consumed_event": await _prune(mes, _old_notes(before)),
    }


async def prune_unfinished(shop: Database, models: ModelStore, before: datetime) -> int:
    """Remove the orders that nobody submitted, nor has gone on with since that moment, and their
    models. Returns how many orders went. Raises StoreUnavailable."""
    gone = 0
    while True:
        async with shop.session() as session:
            if not await unfinished.remove_one(session, before, models.discard):
                return gone
        gone += 1


async def _prune(database: Database, statement: ReturningDelete[Any]) -> int:
    gone = 0
    while True:
        async with database.session() as session:
            deleted = len((await session.execute(statement)).all())
        gone += deleted
        if deleted < _AT_ONCE:
            return gone


def _old_events(
    order_id: InstrumentedAttribute[UUID],
    state: InstrumentedAttribute[State],
    before: datetime,
) -> ReturningDelete[Any]:
    under_way = sa.exists().where(
        order_id == sa.cast(outbox.c.body["order_id"].astext, sa.Uuid), state.not_in(_FINAL)
    )
    old = (
        sa.select(outbox.c.id)
        .where(outbox.c.published_at < before, ~under_way)
        .order_by(outbox.c.id)
        .limit(_AT_ONCE)
    )
    return sa.delete(outbox).where(outbox.c.id.in_(old)).returning(outbox.c.id)


def _old_notes(before: datetime) -> ReturningDelete[Any]:
    key = sa.tuple_(consumed_event.c.consumer, consumed_event.c.event_id)
    old = (
        sa.select(consumed_event.c.consumer, consumed_event.c.event_id)
        .where(consumed_event.c.consumed_at < before)
        .limit(_AT_ONCE)
    )
    return sa.delete(consumed_event).where(key.in_(old)).returning(consumed_event.c.event_id)


def _old_deliveries(before: datetime) -> ReturningDelete[Any]:
    old = (
        sa.select(WebhookDelivery.id)
        .where(WebhookDelivery.state == Delivery.DELIVERED, WebhookDelivery.created_at < before)
        .limit(_AT_ONCE)
    )
    return (
        sa.delete(WebhookDelivery)
        .where(WebhookDelivery.id.in_(old))
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )


def _free_keys() -> ReturningDelete[Any]:
    key = sa.tuple_(IdempotencyKey.partner_id, IdempotencyKey.key)
    free = (
        sa.select(IdempotencyKey.partner_id, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < now() - IdempotencyKey.KEPT_FOR)
        .limit(_AT_ONCE)
    )
    return (
        sa.delete(IdempotencyKey)
        .where(key.in_(free))
        .returning(IdempotencyKey.key)
        .execution_options(synchronize_session=False)
    )
