from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from atelier.data.database import Database
from atelier.data.shop import Email, Order, OrderHistory, Partner
from atelier.domain.lifecycle import Owner, State
from atelier.mail import due
from atelier.mail.composing import Letterhead
from atelier.mail.sender import TRIES, Sender
from atelier.mail.transport import Transport, Unreachable, transport
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.messaging.relay import Relay
from atelier.settings import Settings
from atelier.usecases import orders
from fixtures.letters import read
from fixtures.mailbox import Mailbox
from tests.integration.atelier.background import Start
from tests.integration.atelier.customers_letters import (
    cancelled,
    due_letters,
    letters,
    registered,
    submitted,
)
from tests.integration.atelier.wire import MODEL, deliver
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

HEAD = Letterhead("Atelier <orders@atelier.example>")
QUEUE = "shop.mail"
OPERATOR = "Vera Workbench"


async def told(shop: Database, *events: Event) -> None:
    for event in events:
        async with shop.session() as session:
            await orders.handle(session, event)


async def move(shop: Database, order: Order, to: State, owner: Owner) -> None:
    async with shop.session() as session:
        await orders.move(session, order.id, to, owner=owner, actor=f"{owner}:{uuid4()}")


def priced(order: Order) -> Event:
    return Event(
        type="pricing.price_calculated",
        order_id=order.id,
        actor="pricing",
        data={
            "volume_mm3": "177.936",
            "weight_g": "2.331",
            "price": "224.27",
            "metal_cost": "143.12",
            "making": "60.15",
            "finish_cost": "21.00",
        },
    )


def worked(order: Order, name: str, **data: str | None) -> Event:
    told = {"actor_name": OPERATOR, **data}
    return Event(type=f"work.{name}", order_id=order.id, actor=f"operator:{uuid4()}", data=told)


def sender(shop: Database, through: Transport | Mailbox, *, first_wait: float = 0.05) -> Sender:
    way = transport(through.url) if isinstance(through, Mailbox) else through
    return Sender(shop, way, HEAD, first_wait=first_wait, look_every=0.05)


async def test_one_letter_for_each_step_in_the_customers_language(
    shop: Database, broker: BrokerConnection, settings: Settings, start: Start, mailbox: Mailbox
) -> None:
    english, russian = await registered(shop), await registered(shop, "ru")
    hers, theirs = await submitted(shop, english), await submitted(shop, russian)
    for order in (hers, theirs):
        await told(shop, priced(order))
        await move(shop, order, State.CONFIRMED, Owner.CUSTOMER)
    async with shop.session() as session:
        await orders.send_back(session, hers.id, actor="seller:1", reason="Thin prongs.")
    await move(shop, hers, State.CONFIRMED, Owner.CUSTOMER)
    await move(shop, hers, State.MANUFACTURING_APPROVED, Owner.SELLER)
    await told(
        shop,
        worked(hers, "manufacturing_started"),
        worked(hers, "manufacturing_completed"),
        worked(hers, "packaging"),
        worked(hers, "shipped", tracking_number="RR 12"),
    )
    async with shop.session() as session:
        await orders.cancel(session, theirs.id, owner=Owner.CUSTOMER, actor="customer:1")

    outgoing = sender(shop, mailbox)

    async def handler(session: AsyncSession, event: Event) -> None:
        await due.handle(session, event, outgoing.wake)

    start(Relay(shop, broker))
    start(Consumer(QUEUE, handler, shop, broker, retry_delays=settings.retry_delays))
    start(outgoing)

    await eventually_async(
        lambda: asyncio.sleep(0, len(mailbox.letters)), until=lambda count: count == 6
    )
    number = hers.number
    assert sorted(one.subject for one in mailbox.letters if one.to == english.email) == [
        f"Order {number}: approved for manufacturing",
        f"Order {number}: please look at it once more",
        f"Order {number}: the price of your piece",
        f"Order {number}: your piece is on its way",
    ]
    assert sorted(one.subject for one in mailbox.letters if one.to == russian.email) == [
        f"Заказ {theirs.number}: отменён",
        f"Заказ {theirs.number}: цена вашего украшения",
    ]
    text = {one.subject.partition(": ")[2]: one.text for one in mailbox.letters}
    assert "“Thin prongs.”" in text["please look at it once more"]
    assert "Tracking number: RR 12" in text["your piece is on its way"]
    assert len({one.id for one in mailbox.letters}) == 6
    async with shop.session() as session:
        took = sa.select(OrderHistory.actor_name).where(OrderHistory.actor_name.is_not(None))
        assert (await session.scalars(took)).all() == [OPERATOR] * 4
    assert not [one.subject for one in mailbox.letters if OPERATOR in str(one)]


async def test_partners_get_no_letters(shop: Database, partner: Partner) -> None:
    async with shop.session() as session:
        order = await orders.place(session, partner.id, MODEL, "gold-585")
        event = Event(type="order.cancelled", order_id=order.id, actor="seller:1", data={})
        await due.handle(session, event, lambda: None)
    assert await letters(shop) == []


async def test_an_event_that_comes_twice_leads_to_one_letter(
    shop: Database, broker: BrokerConnection, settings: Settings, start: Start, mailbox: Mailbox
) -> None:
    customer = await registered(shop)
    order = await submitted(shop, customer)
    event, last = cancelled(customer, order.id), cancelled(customer, order.id)
    # Once more by a consumer that takes no note of what it has had already.
    async with shop.session() as session:
        await due.handle(session, event, lambda: None)

    async def handler(session: AsyncSession, event: Event) -> None:
        await due.handle(session, event, lambda: None)

    start(Consumer(QUEUE, handler, shop, broker, retry_delays=settings.retry_delays))
    start(sender(shop, mailbox))
    await deliver(broker, QUEUE, event, event, last)

    async def done() -> list[UUID]:
        return [one.event_id for one in await letters(shop) if one.sent_at is not None]

    await eventually_async(done, until=lambda found: last.id in found and event.id in found)
    assert await done() == [event.id, last.id]
    assert len(mailbox.letters) == mailbox.tried == 2


async def test_letters_wait_for_a_server_that_is_away(
    shop: Database, start: Start, mailbox: Mailbox
) -> None:
    mailbox.close()
    await due_letters(shop, 2)
    tries = Counted(transport(mailbox.url))
    start(sender(shop, tries))
    await tries.seen(2)
    assert [(one.attempts, one.sent_at, one.fault) for one in await letters(shop)] == [
        (0, None, None)
    ] * 2

    mailbox.open()

    await eventually_async(
        lambda: letters(shop), until=lambda found: all(one.sent_at for one in found), timeout=30
    )
    assert len(mailbox.letters) == mailbox.tried == 2


async def test_a_letter_that_was_not_taken_is_tried_again(
    shop: Database, start: Start, mailbox: Mailbox
) -> None:
    mailbox.answers = ["451 later", "452 not yet"]
    await due_letters(shop)
    start(sender(shop, mailbox))

    [email] = await eventually_async(
        lambda: letters(shop), until=lambda found: all(one.sent_at for one in found)
    )
    assert (mailbox.tried, len(mailbox.letters), email.attempts) == (3, 1, 2)
    assert email.fault == "SMTPDataError 452"


async def test_a_letter_that_is_refused_is_parked_and_keeps_no_other_from_leaving(
    shop: Database, start: Start, mailbox: Mailbox
) -> None:
    mailbox.answers = ["550 no such person anna@example.org"]
    refused, other = await due_letters(shop, 2)
    start(sender(shop, mailbox))

    first, second = await eventually_async(
        lambda: letters(shop),
        until=lambda found: all(one.sent_at or one.parked_at for one in found),
    )
    assert (first.order_id, second.order_id) == (refused, other)
    assert (first.sent_at, first.fault) == (None, "SMTPDataError 550")
    assert second.sent_at is not None
    assert second.parked_at is None


async def test_after_many_tries_a_letter_is_parked(
    shop: Database, start: Start, mailbox: Mailbox
) -> None:
    mailbox.answers = ["451 later"] * (TRIES + 5)
    await due_letters(shop)
    start(sender(shop, mailbox, first_wait=0))

    [email] = await eventually_async(
        lambda: letters(shop), until=lambda found: all(one.parked_at for one in found)
    )
    assert (mailbox.tried, email.attempts, email.sent_at) == (TRIES, TRIES, None)


async def test_a_sender_that_dies_after_sending_sends_the_same_letter_again(
    shop: Database, start: Start, mailbox: Mailbox
) -> None:
    await due_letters(shop)
    start(sender(shop, Counted(transport(mailbox.url), dies_after=1)))

    await eventually_async(
        lambda: letters(shop), until=lambda found: all(one.sent_at for one in found)
    )
    [first, again] = mailbox.letters
    assert first.id == again.id


async def test_several_senders_share_the_letters(
    shop: Database, start: Start, mailbox: Mailbox
) -> None:
    await due_letters(shop, 8)
    for _ in range(3):
        start(sender(shop, mailbox))

    await eventually_async(
        lambda: letters(shop), until=lambda found: all(one.sent_at for one in found)
    )
    assert len({one.id for one in mailbox.letters}) == len(mailbox.letters) == 8


async def test_letters_may_be_kept_in_a_folder(
    shop: Database, start: Start, tmp_path: Path
) -> None:
    await due_letters(shop)
    start(sender(shop, transport(f"file://{tmp_path}/mail")))

    [email] = await eventually_async(
        lambda: letters(shop), until=lambda found: all(one.sent_at for one in found)
    )
    [kept] = (tmp_path / "mail").iterdir()
    assert kept.name == f"{email.id}.eml"
    assert read(kept.read_bytes()).id == f"<{email.id}@atelier.example>"


async def test_a_letter_that_cannot_be_written_is_parked(
    shop: Database, start: Start, mailbox: Mailbox
) -> None:
    [broken, _] = await due_letters(shop, 2)
    async with shop.session() as session:
        await session.execute(
            sa.update(Email).where(Email.order_id == broken).values(kind="from the future")
        )
    start(sender(shop, mailbox))

    first, second = await eventually_async(
        lambda: letters(shop),
        until=lambda found: all(one.sent_at or one.parked_at for one in found),
    )
    assert first.fault == "not composed: ValueError"
    assert second.sent_at is not None


@dataclass
class Counted:
    """A transport that counts, and whose process dies after some letters, their row unmarked."""

    way: Transport
    dies_after: int = 0
    tried: int = 0
    more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def send(self, message: EmailMessage) -> None:
        async with self.more:
            self.tried += 1
            self.more.notify_all()
        await self.way.send(message)
        if self.tried <= self.dies_after:
            raise Unreachable("dead")

    async def seen(self, tries: int) -> None:
        async with self.more:
            await self.more.wait_for(lambda: self.tried >= tries)
