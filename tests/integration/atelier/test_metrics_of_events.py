"""What moves the metrics of events, of what waits, and of what leaves the platform.

`test_metrics` holds that there is such a test of each metric.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, get_args
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from atelier.admin import comparing
from atelier.admin.comparing import Difference
from atelier.admin.reconciler import Reconciler
from atelier.admin.reconciliation import Systems
from atelier.clock import now
from atelier.data.database import Database
from atelier.data.shop import Customer, Email, Order, Partner
from atelier.domain.lifecycle import State
from atelier.mail.composing import Letterhead
from atelier.mail.kinds import OF_ACCOUNTS, Kind
from atelier.mail.sender import Sender
from atelier.mail.transport import transport
from atelier.messaging import gauges as waits
from atelier.messaging import outbox
from atelier.messaging.broker import BrokerConnection
from atelier.messaging.consumer import Consumer
from atelier.messaging.event import Event
from atelier.messaging.handler import NotYet, Refused
from atelier.messaging.relay import Relay
from atelier.messaging.topology import DatabaseName
from atelier.partner.webhooks import endpoints
from atelier.partner.webhooks.sender import WebhookSender
from atelier.pricing.gauges import of_models
from atelier.services import SUBSCRIPTIONS
from atelier.settings import Settings
from atelier.shop.gauges import of_letters, of_orders
from atelier.telemetry.readings import Readings
from atelier.usecases import price_requests
from fixtures.mailbox import Mailbox
from fixtures.webhook_receiver import WebhookReceiver
from tests.integration.atelier.background import Start
from tests.integration.atelier.customers_letters import due_letters
from tests.integration.atelier.moved import DATABASES, NOWHERE, PARTNER, Moved, all_of, moves
from tests.integration.atelier.partner_events import handled, placed
from tests.integration.atelier.partner_events import told as told_of
from tests.integration.atelier.wire import deliver, told
from touchstone.waiting import eventually_async

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("moved")]

QUEUES: Final = tuple(SUBSCRIPTIONS)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    server = WebhookReceiver()
    yield server
    server.stop()


@moves("atelier_handled_events_total", queue=QUEUES, outcome=["handled", "repeated", "early"])
@moves("atelier_handled_events_total", queue=QUEUES, outcome=["postponed", "dead_lettered"])
@moves("atelier_handler_seconds", queue=QUEUES)
@moves("atelier_queue_messages", queue=QUEUES)
@moves("atelier_queue_consumers", queue=QUEUES)
@moves("atelier_inbox_events", queue=QUEUES, state=["waiting", "failed", "dead"])
@moves("atelier_inbox_oldest_seconds", queue=QUEUES)
async def test_queues_and_inboxes(
    shop: Database, mes: Database, broker: BrokerConnection, start: Start, moved: Moved
) -> None:
    databases: Mapping[DatabaseName, Database] = {"shop": shop, "mes": mes}
    faults = {"early": NotYet("it is early"), "bad": LookupError(), "strange": Refused("what?")}

    async def handle(session: AsyncSession, event: Event) -> None:
        if event.type in faults:
            raise faults[event.type]

    async def measured() -> Sequence[str]:
        queues = list(SUBSCRIPTIONS.values())
        await Readings(
            waits.of_queues(broker, queues), waits.of_inboxes(databases, queues)
        ).refresh()
        moved.look()
        return moved.without(gauges)

    for queue in SUBSCRIPTIONS:
        good, *bad = (
            Event(type=name, order_id=uuid4(), actor="test") for name in ("good", *faults)
        )
        await deliver(broker, queue, good, good, *bad)
    gauges = {("atelier_queue_messages", frozenset({("queue", queue)})) for queue in SUBSCRIPTIONS}
    await eventually_async(measured, until=lambda left: not left)
    for queue in SUBSCRIPTIONS:
        database = databases[SUBSCRIPTIONS[queue].database]
        start(Consumer(queue, handle, database, broker, retry_delays=(3600,)))
    test = test_queues_and_inboxes
    await all_of(test, moved, "atelier_handled_events_total", "atelier_handler_seconds")
    gauges = {claim for claim in vars(test)["moves"] if "_queue_" in claim[0] or "_in" in claim[0]}
    await eventually_async(measured, until=lambda left: not left)


@moves("atelier_outbox_unpublished", database=DATABASES)
@moves("atelier_outbox_oldest_seconds", database=DATABASES)
@moves("atelier_published_events_total", database=DATABASES, outcome=["confirmed", "refused"])
async def test_outboxes(
    shop: Database, mes: Database, broker: BrokerConnection, start: Start, moved: Moved
) -> None:
    databases = {"shop": shop, "mes": mes}
    for database in databases.values():
        async with database.session() as session:
            for type_ in ("nobody.listens", "order.submitted"):
                await outbox.append(session, Event(type=type_, order_id=uuid4(), actor="test"))
    await Readings(*map(waits.of_outbox, databases.values())).refresh()
    moved.look()
    for database in databases.values():
        start(Relay(database, broker))
    await all_of(test_outboxes, moved, "atelier_published_events_total")


@moves("atelier_orders", state=State)
@moves("atelier_oldest_order_seconds", state=State)
@moves("atelier_letters_parked", kind=[*Kind, *OF_ACCOUNTS])
@moves("atelier_pricing_waiting", source=["shop", "partner"])
async def test_what_waits(settings: Settings, mes: Database, broker: BrokerConnection) -> None:
    shop = Database(settings.shop_database)  # without a replica, which may be behind
    customer = Customer(id=uuid4(), email="anna@example.org", name="Anna", password_hash="-")
    orders = {
        state: Order(
            id=uuid4(),
            number=f"AT-{place:06}",
            customer_id=customer.id,
            state=state,
            sequence=1,
            updated_at=now() - timedelta(hours=1),
        )
        for place, state in enumerate(State)
    }
    async with shop.session() as session:
        session.add(customer)
        await session.flush()
        session.add_all(orders.values())
        await session.flush()
        about = orders[State.CANCELLED].id
        session.add_all(
            Email(
                event_id=uuid4(),
                kind=kind,
                customer_id=customer.id,
                order_id=None if kind in OF_ACCOUNTS else about,
                parked_at=now(),
            )
            for kind in (*Kind, *OF_ACCOUNTS)
        )
    for actor in (f"customer:{customer.id}", f"partner:{PARTNER}"):
        event = told(uuid4(), None, State.SUBMITTED)
        async with mes.session() as session:
            await price_requests.handle(
                session, Event.from_dict({**event.to_dict(), "actor": actor})
            )
    await Readings(of_orders(shop), of_letters(shop), of_models(mes)).refresh()
    await shop.close()


@moves("atelier_webhook_deliveries_total", outcome=["delivered", "postponed", "parked"])
async def test_webhooks(
    shop: Database,
    partner: Partner,
    receiver: WebhookReceiver,
    settings: Settings,
    start: Start,
    moved: Moved,
) -> None:
    hasty = settings.model_copy(update={"webhook_first_delay": 0.01, "webhook_attempts": 2})
    async with shop.session() as session:
        await endpoints.add(session, partner.id, receiver.url)
    start(WebhookSender(shop, hasty))
    receiver.status = 500
    for _ in range(2):
        await handled(shop, *await told_of(shop, await placed(shop, partner)))
        await eventually_async(lambda: asyncio.sleep(0, receiver.refused), until=lambda it: it > 1)
        receiver.status = 204
    await all_of(test_webhooks, moved, "atelier_webhook_deliveries_total")


@moves("atelier_emails_total", outcome=["sent", "postponed", "given_up"])
async def test_letters(shop: Database, mailbox: Mailbox, start: Start, moved: Moved) -> None:
    mailbox.answers = ["451 later", "550 never"]
    await due_letters(shop, 3)
    head = Letterhead("Atelier <orders@atelier.example>")
    start(Sender(shop, transport(mailbox.url), head, look_every=0.05))
    await all_of(test_letters, moved, "atelier_emails_total")


class Knows(Systems):
    """Finds what it is told to find."""

    told: Sequence[Difference] = ()

    async def differences(self) -> list[Difference]:
        return list(self.told)


@moves("atelier_reconciliations_total", outcome=["agreed", "repaired", "differences"])
@moves("atelier_reconciliations_total", outcome=["interrupted", "failed"])
@moves("atelier_reconciliation_differences", kind=get_args(comparing.Kind))
@moves("atelier_reconciliation_repairs_total", kind=get_args(comparing.Kind))
async def test_reconciliation(
    shop: Database, mes: Database, broker: BrokerConnection, start: Start, moved: Moved
) -> None:
    systems = Knows(shop, mes, broker)
    await Reconciler(systems, every=60).look()
    for repairable in (False, True):
        systems.told = [
            Difference(kind, "AT-000001", "", uuid4(), repairable)
            for kind in get_args(comparing.Kind)
        ]
        await Reconciler(systems, every=60).look()
        moved.look()
    away = Database(f"postgresql://nobody:nothing@{NOWHERE}/nothing")
    with capture_logs():  # a traceback each time takes seconds to write
        # The factory has none of the shop's tables.
        for broken in (Systems(away, mes, broker), Systems(mes, mes, broker)):
            start(Reconciler(broken, every=0.01))
        await all_of(test_reconciliation, moved, "atelier_reconciliations_total")
    await away.close()
