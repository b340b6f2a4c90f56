"""`atelier prune` deletes what nobody will ask for any more, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from atelier.admin import pruning
from atelier.clock import now
from atelier.data import outbox_tables
from atelier.data.database import Database
from atelier.data.shop import (
    Delivery,
    IdempotencyKey,
    Order,
    Partner,
    WebhookDelivery,
    WebhookEndpoint,
)
from atelier.domain.lifecycle import State
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.relay import Relay
from atelier.usecases import orders
from tests.integration.atelier.background import Start
from tests.integration.atelier.wire import MODEL, all_published, told

pytestmark = pytest.mark.anyio


async def placed(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        return await orders.place(session, partner.id, MODEL, "gold-585")


async def test_old_events_go_but_for_those_of_orders_under_way(
    shop: Database, mes: Database, partner: Partner, broker: BrokerConnection, start: Start
) -> None:
    running, finished = await placed(shop, partner), await placed(shop, partner)
    start(Relay(shop, broker))
    await all_published(shop)
    unpublished = told(uuid4(), None, State.SUBMITTED)
    async with shop.session() as session:
        (await session.get_one(Order, finished.id)).state = State.CLOSED
        for days, consumer in ((40, "old"), (1, "young")):
            await session.execute(
                sa.insert(outbox_tables.consumed_event).values(
                    consumer=consumer, event_id=uuid4(), consumed_at=now() - timedelta(days=days)
                )
            )
        await session.execute(
            sa.update(outbox_tables.outbox).values(published_at=now() - timedelta(days=40))
        )
        await session.execute(
            sa.insert(outbox_tables.outbox).values(
                event_id=unpublished.id, type=unpublished.type, body=unpublished.to_dict()
            )
        )

    gone = await pruning.prune(shop, mes, now() - timedelta(days=30))

    assert gone["shop: outbox"] == 1
    assert gone["shop: consumed_event"] == 1
    async with shop.session() as session:
        left = await session.scalars(sa.select(outbox_tables.outbox.c.body["order_id"].astext))
        assert set(left) == {str(running.id), str(unpublished.order_id)}
        assert list(await session.scalars(sa.select(outbox_tables.consumed_event.c.consumer))) == [
            "young"
        ]


async def test_old_webhooks_go_but_for_those_that_were_not_taken(
    shop: Database, mes: Database, partner: Partner
) -> None:
    order = await placed(shop, partner)
    long_ago = now() - timedelta(days=40)
    async with shop.session() as session:
        endpoint = WebhookEndpoint(partner_id=partner.id, url="https://meridian.example/told")
        session.add(endpoint)
        await session.flush()
        for sequence, (state, created_at) in enumerate(
            (
                (Delivery.DELIVERED, long_ago),
                (Delivery.PENDING, long_ago),
                (Delivery.PARKED, long_ago),
                (Delivery.DELIVERED, now()),
            )
        ):
            session.add(
                WebhookDelivery(
                    endpoint_id=endpoint.id,
                    event_id=uuid4(),
                    event_type="order.submitted",
                    order_id=order.id,
                    sequence=sequence,
                    body="{}",
                    state=state,
                    created_at=created_at,
                )
            )

    gone = await pruning.prune(shop, mes, now() - timedelta(days=30))

    assert gone["shop: webhook_delivery"] == 1
    async with shop.session() as session:
        left = await session.scalars(
            sa.select(WebhookDelivery.sequence).order_by(WebhookDelivery.sequence)
        )
        assert list(left) == [1, 2, 3]


async def test_idempotency_keys_go_when_their_day_is_over(
    shop: Database, mes: Database, partner: Partner
) -> None:
    order = await placed(shop, partner)
    async with shop.session() as session:
        for key, hours in (("free", 25), ("taken", 23)):
            session.add(
                IdempotencyKey(
                    partner_id=partner.id,
                    key=key,
                    fingerprint="f" * 64,
                    order_id=order.id,
                    created_at=now() - timedelta(hours=hours),
                )
            )

    gone = await pruning.prune(shop, mes, now() - timedelta(days=30))

    assert gone["shop: idempotency_key"] == 1
    async with shop.session() as session:
        assert list(await session.scalars(sa.select(IdempotencyKey.key))) == ["taken"]
