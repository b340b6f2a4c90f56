"""Webhooks: which events a partner is told of, and where. `sender` delivers them.

Of each step of an order, each endpoint that its partner had by then gets one delivery, however
often the event comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.clock import now
from atelier.data.shop import Delivery, Order, WebhookDelivery, WebhookEndpoint
from atelier.messaging.event import Event
from atelier.partner.webhooks.message import message
from atelier.usecases import estimates

MOST: Final = 10
"""Endpoints that a partner may have."""

CHANNEL: Final = "webhooks"
"""Of PostgreSQL: notified when there is something to send."""


async def handle(session: AsyncSession, event: Event) -> None:
    """The partner API's queue: steps of orders, and answers to estimates. Raises Refused."""
    if event.type.startswith("estimate."):
        await estimates.handle(session, event)
    elif event.data["source"] == "partner" and event.type == f"order.{event.data['to'].lower()}":
        await _tell(session, event)


async def _tell(session: AsyncSession, event: Event) -> None:
    order = await session.get_one(Order, event.order_id)
    endpoints = await session.scalars(
        sa.select(WebhookEndpoint.id).where(
            WebhookEndpoint.partner_id == order.partner_id,
            WebhookEndpoint.created_at <= event.occurred_at,
        )
    )
    body = message(event, order)
    deliveries = [
        {
            "id": uuid4(),
            "endpoint_id": endpoint,
            "event_id": event.id,
            "event_type": event.type,
            "order_id": event.order_id,
            "sequence": event.data["sequence"],
            "body": body,
        }
        for endpoint in endpoints
    ]
    if deliveries:
        await session.execute(insert(WebhookDelivery).values(deliveries).on_conflict_do_nothing())
        await _wake(session)


async def add(session: AsyncSession, partner_id: UUID, url: str) -> WebhookEndpoint | None:
    """A new endpoint; None when the partner has as many as it may."""
    if len(await endpoints_of(session, partner_id)) >= MOST:
        return None
    endpoint = WebhookEndpoint(partner_id=partner_id, url=url)
    session.add(endpoint)
    await session.flush()
    return endpoint


async def endpoints_of(session: AsyncSession, partner_id: UUID) -> Sequence[WebhookEndpoint]:
    """Oldest first."""
    query = sa.select(WebhookEndpoint).where(WebhookEndpoint.partner_id == partner_id)
    return (await session.scalars(query.order_by(WebhookEndpoint.created_at))).all()


async def endpoint_of(
    session: AsyncSession, partner_id: UUID, endpoint_id: UUID
) -> WebhookEndpoint | None:
    """The partner's endpoint, if it is one of theirs."""
    found: WebhookEndpoint | None = await session.scalar(
        sa.select(WebhookEndpoint).where(
            WebhookEndpoint.id == endpoint_id, WebhookEndpoint.partner_id == partner_id
        )
    )
    return found


async def remove(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """The endpoint is told of nothing more; its deliveries are gone with it."""
    await session.execute(sa.delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint.id))


def deliveries_to(endpoint: WebhookEndpoint, state: Delivery | None) -> sa.Select[WebhookDelivery]:
    """All of them, or those in this state."""
    query = sa.select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    return query if state is None else query.where(WebhookDelivery.state == state)


async def deliver_again(
    session: AsyncSession, endpoint: WebhookEndpoint, delivery_id: UUID
) -> WebhookDelivery | None:
    """Send it now, whatever has become of it before; None when there was no such delivery."""
    again: WebhookDelivery | None = await session.scalar(
        sa.update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint.id)
        .values(state=Delivery.PENDING, attempts=0, next_attempt_at=now(), delivered_at=None)
        .returning(WebhookDelivery)
    )
    await _wake(session)
    return again


async def _wake(session: AsyncSession) -> None:
    # Heard by the senders when the transaction has committed.
    await session.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
