"""Webhooks: one delivery for each step and endpoint, signed, in order, until it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import (
    Delivery,
    Order,
    Partner,
    WebhookDelivery,
    WebhookEndpoint,
)
from atelier.domain.lifecycle import Owner, State
from atelier.partner.webhooks import endpoints
from atelier.partner.webhooks.sender import WebhookSender
from atelier.partner.webhooks.signing import secret_of
from atelier.settings import Settings
from atelier.usecases import orders
from fixtures.webhook_receiver import WebhookReceiver
from tests.integration.atelier.background import Start
from tests.integration.atelier.partner_events import handled, placed, told
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    server = WebhookReceiver()
    yield server
    server.stop()


@pytest.fixture
async def endpoint(shop: Database, partner: Partner, receiver: WebhookReceiver) -> WebhookEndpoint:
    async with shop.session() as session:
        added = await endpoints.add(session, partner.id, receiver.url)
    assert added is not None
    return added


@pytest.fixture
def hasty(settings: Settings) -> Settings:
    """Does not wait long between attempts, of which there are three."""
    return settings.model_copy(update={"webhook_first_delay": 0.02, "webhook_attempts": 3})


async def priced(shop: Database, order: Order) -> None:
    async with shop.session() as session:
        await orders.move(
            session, order.id, State.PRICE_CALCULATED, owner=Owner.PRICING, actor="pricing"
        )


async def deliveries(shop: Database) -> Sequence[WebhookDelivery]:
    async with shop.session() as session:
        query = sa.select(WebhookDelivery).order_by(WebhookDelivery.sequence)
        return (await session.scalars(query)).all()


async def states(shop: Database) -> list[Delivery]:
    return [delivery.state for delivery in await deliveries(shop)]


async def taken(receiver: WebhookReceiver, number: int) -> None:
    async def count() -> int:
        return len(receiver.received)

    await eventually_async(count, until=lambda found: found == number)


async def become(shop: Database, *expected: Delivery) -> None:
    await eventually_async(lambda: states(shop), until=lambda found: found == list(expected))


async def test_each_step_is_one_signed_request(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    settings: Settings,
    start: Start,
) -> None:
    start(WebhookSender(shop, settings))
    order = await placed(shop, partner)
    await priced(shop, order)
    first, second = await told(shop, order)

    await handled(shop, first, first, second, first)

    await become(shop, Delivery.DELIVERED, Delivery.DELIVERED)
    assert [each.id for each in receiver.received] == [str(first.id), str(second.id)]
    assert [each.state for each in receiver.received] == ["SUBMITTED", "PRICE_CALCULATED"]
    secret = secret_of(endpoint.id, settings.secret_key)
    assert all(each.is_signed_with(secret) for each in receiver.received)
    assert not receiver.received[0].is_signed_with(secret_of(uuid4(), settings.secret_key))
    content = receiver.received[0].content
    assert content["type"] == "order.submitted"
    assert content["data"]["number"] == order.number
    assert content["data"]["order"] == f"/api/v1/orders/{order.id}"


async def test_steps_are_sent_in_their_order_though_their_events_come_in_another(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    settings: Settings,
    start: Start,
) -> None:
    order = await placed(shop, partner)
    await priced(shop, order)
    first, second = await told(shop, order)
    start(WebhookSender(shop, settings))

    await handled(shop, second)
    other = await placed(shop, partner)
    await handled(shop, *await told(shop, other))
    # The other order's was sent, so the sender has looked, and this order's second step waits.
    await taken(receiver, 1)
    await handled(shop, first)

    await taken(receiver, 3)
    assert [each.id for each in receiver.received[1:]] == [str(first.id), str(second.id)]


async def test_a_step_that_never_comes_does_not_hold_the_others_for_good(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    settings: Settings,
    start: Start,
) -> None:
    order = await placed(shop, partner)
    await priced(shop, order)
    _, second = await told(shop, order)
    await handled(shop, second)
    async with shop.session() as session:
        await session.execute(
            sa.text("UPDATE order_history SET occurred_at = occurred_at - interval '61 s'")
        )
        await session.execute(
            sa.text("UPDATE webhook_endpoint SET created_at = created_at - interval '1 hour'")
        )

    start(WebhookSender(shop, settings))

    await taken(receiver, 1)


async def test_who_does_not_answer_is_asked_again_and_then_no_more(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    hasty: Settings,
    start: Start,
) -> None:
    receiver.status = 500
    order = await placed(shop, partner)
    await priced(shop, order)
    await handled(shop, *await told(shop, order))
    start(WebhookSender(shop, hasty))

    await become(shop, Delivery.PARKED, Delivery.PARKED)

    first, second = await deliveries(shop)
    assert (first.attempts, second.attempts, receiver.refused) == (3, 3, 6)
    assert (first.last_status, first.last_error) == (500, "answered with status 500")


async def test_a_parked_delivery_is_delivered_when_it_is_asked_for(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    hasty: Settings,
    start: Start,
) -> None:
    receiver.status = 503
    order = await placed(shop, partner)
    await handled(shop, *await told(shop, order))
    start(WebhookSender(shop, hasty))
    await become(shop, Delivery.PARKED)
    [parked] = await deliveries(shop)
    receiver.status = 200

    async with shop.session() as session:
        assert await endpoints.deliver_again(session, endpoint, parked.id) is not None

    await become(shop, Delivery.DELIVERED)
    assert [each.id for each in receiver.received] == [str(parked.event_id)]


async def test_a_redirect_is_not_followed(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    hasty: Settings,
    start: Start,
) -> None:
    receiver.status = 307
    order = await placed(shop, partner)
    await handled(shop, *await told(shop, order))
    start(WebhookSender(shop, hasty))

    await become(shop, Delivery.PARKED)

    [parked] = await deliveries(shop)
    assert (parked.last_status, receiver.refused) == (307, 3)


async def test_nothing_is_sent_into_a_network_of_our_own(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    hasty: Settings,
    start: Start,
) -> None:
    guarded = hasty.model_copy(update={"webhook_private_addresses": False})
    async with shop.session() as session:
        # A name, so that only asking for it tells where it leads.
        url = f"http://localhost:{receiver.port}/"
        await session.execute(sa.update(WebhookEndpoint).values(url=url))
    order = await placed(shop, partner)
    await handled(shop, *await told(shop, order))
    start(WebhookSender(shop, guarded))

    await become(shop, Delivery.PARKED)

    [parked] = await deliveries(shop)
    assert parked.last_error == "the host is not on the public internet"
    assert receiver.received == []


async def test_two_senders_send_each_once(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    settings: Settings,
    start: Start,
) -> None:
    events = []
    for _ in range(12):
        events += await told(shop, await placed(shop, partner))
    for _ in range(2):
        start(WebhookSender(shop, settings))

    await asyncio.gather(*(handled(shop, event) for event in events))

    await become(shop, *[Delivery.DELIVERED] * 12)
    assert sorted(each.id for each in receiver.received) == sorted(str(e.id) for e in events)


async def test_an_endpoint_is_told_of_what_happens_after_it_was_added(
    shop: Database, partner: Partner, receiver: WebhookReceiver
) -> None:
    order = await placed(shop, partner)
    async with shop.session() as session:
        await endpoints.add(session, partner.id, receiver.url)
    await priced(shop, order)

    await handled(shop, *await told(shop, order))

    assert [each.event_type for each in await deliveries(shop)] == ["order.price_calculated"]


async def test_nobody_is_told_of_another_partners_orders(
    shop: Database, partner: Partner, endpoint: WebhookEndpoint
) -> None:
    async with shop.session() as session:
        other = Partner(name="Haus Zwei")
        session.add(other)
    order = await placed(shop, other)

    await handled(shop, *await told(shop, order))

    assert await deliveries(shop) == []


async def test_a_sender_that_dies_leaves_its_claims_to_the_others(
    shop: Database,
    partner: Partner,
    endpoint: WebhookEndpoint,
    receiver: WebhookReceiver,
    settings: Settings,
    start: Start,
) -> None:
    order = await placed(shop, partner)
    await handled(shop, *await told(shop, order))
    [claimed] = await WebhookSender(shop, settings)._claim(now())
    assert await WebhookSender(shop, settings)._claim(now()) == []
    async with shop.session() as session:
        # Its lease is over.
        await session.execute(
            sa.update(WebhookDelivery).values(next_attempt_at=now() - timedelta(seconds=1))
        )

    start(WebhookSender(shop, settings))

    await become(shop, Delivery.DELIVERED)
    assert [UUID(each.id) for each in receiver.received] == [claimed.event_id]
