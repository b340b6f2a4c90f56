"""The CRM over HTTP, in this process: what sellers do, and what they see at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from atelier.data.database import Database
from atelier.data.shop import Customer, Order, Partner, Seller
from atelier.domain.lifecycle import Owner, State
from atelier.messaging.event import Event
from atelier.running import Running
from atelier.security import sign_session
from atelier.settings import Settings
from atelier.usecases import orders
from tests.integration.atelier.wire import MODEL
from touchstone.private_servers import PrivateReplica
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually_async

pytestmark = pytest.mark.anyio

Colleague = Callable[[], httpx.AsyncClient]


@pytest.fixture
async def boris(shop: Database) -> Seller:
    seller = Seller(email=f"{uuid4().hex}@example.org", name="Boris", password_hash="-")
    async with shop.session() as session:
        session.add(seller)
    return seller


@pytest.fixture
async def confirmed(shop: Database, partner: Partner) -> Order:
    return await _confirmed(shop, partner)


async def _confirmed(shop: Database, partner: Partner) -> Order:
    async with shop.session() as session:
        order = await orders.place(session, partner.id, MODEL, "gold-585")
        figures = dict.fromkeys(
            ("price", "metal_cost", "making", "finish_cost", "volume_mm3", "weight_g"), "10.00"
        )
        await orders.handle(
            session,
            Event(
                type="pricing.price_calculated", order_id=order.id, actor="pricing", data=figures
            ),
        )
        return await orders.move(
            session, order.id, State.CONFIRMED, owner=Owner.PARTNER, actor=f"partner:{partner.id}"
        )


async def _crm(settings: Settings, seller: Seller) -> AsyncIterator[Colleague]:
    running = Running(settings, {"crm"})
    transport = httpx.ASGITransport(running.application("crm"))
    cookies = {"atelier_crm": sign_session("crm", seller.id, settings.secret_key)}
    yield lambda: httpx.AsyncClient(
        transport=transport, base_url="http://crm", cookies=httpx.Cookies(cookies)
    )
    await running.close()


@pytest.fixture
async def crm(settings: Settings, boris: Seller) -> AsyncIterator[Colleague]:
    """Opens the CRM for Boris, each time in a window of its own."""
    async for opened in _crm(settings.model_copy(update={"shop_replica": None}), boris):
        yield opened


@pytest.fixture
async def crm_on_a_standing_replica(
    settings: Settings,
    boris: Seller,
    confirmed: Order,
    private_replica: PrivateReplica,
    bare_sandbox: Sandbox,
) -> AsyncIterator[Colleague]:
    private_replica.catch_up()
    private_replica.pause()
    replica = private_replica.address(bare_sandbox, "shop")
    # Other sandboxes write to the same primary meanwhile.
    patient = {"replica_lag_bytes": 1 << 40, "replica_lag_seconds": 3600}
    given = settings.model_copy(update={"shop_replica": replica, **patient})
    async for opened in _crm(given, boris):
        yield opened


async def _answer(request: Any, status: int = 200) -> Any:
    answer: httpx.Response = await request
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_seller_sees_the_own_change_at_once_while_the_replica_stands_still(
    crm_on_a_standing_replica: Colleague, confirmed: Order
) -> None:
    address = f"/api/orders/{confirmed.number}"
    boris, colleague = crm_on_a_standing_replica(), crm_on_a_standing_replica()
    assert (await _answer(boris.get(address)))["state"] == "CONFIRMED"

    assert (await _answer(boris.post(f"{address}/approve")))["state"] == "MANUFACTURING_APPROVED"

    assert (await _answer(boris.get(address)))["state"] == "MANUFACTURING_APPROVED"
    found = await _answer(boris.get("/api/orders", params={"state": "MANUFACTURING_APPROVED"}))
    assert [order["number"] for order in found["orders"]] == [confirmed.number]
    # Who has changed nothing reads from the replica, as soon as a busy machine lets it answer.
    await eventually_async(
        lambda: _answer(colleague.get(address)), until=lambda seen: seen["state"] == "CONFIRMED"
    )
    # Until they are told what the primary knows.
    refused = await _answer(colleague.post(f"{address}/approve"), 409)
    assert "already" in refused["detail"]
    assert (await _answer(colleague.get(address)))["state"] == "MANUFACTURING_APPROVED"


async def test_an_order_that_the_replica_has_not_is_found(
    crm_on_a_standing_replica: Colleague, shop: Database, partner: Partner
) -> None:
    crm = crm_on_a_standing_replica()
    young = await _confirmed(shop, partner)

    async def listed() -> list[str]:
        return [order["number"] for order in (await _answer(crm.get("/api/orders")))["orders"]]

    await eventually_async(listed, until=lambda numbers: young.number not in numbers)
    assert (await _answer(crm.get(f"/api/orders/{young.number}")))["state"] == "CONFIRMED"


async def test_a_position_that_we_did_not_sign_is_none(
    crm_on_a_standing_replica: Colleague, confirmed: Order
) -> None:
    boris = crm_on_a_standing_replica()
    boris.cookies.set("atelier_crm_written", "18446744073709551615.forged")

    assert (await _answer(boris.get(f"/api/orders/{confirmed.number}")))["state"] == "CONFIRMED"


async def test_what_is_sent_back_says_why(crm: Colleague, confirmed: Order) -> None:
    address = f"/api/orders/{confirmed.number}"
    missing = await _answer(crm().post(f"{address}/send-back", json={"reason": " "}), 422)
    assert missing["type"] == "urn:atelier:problem:reason-missing"

    sent = await _answer(crm().post(f"{address}/send-back", json={"reason": "The band is thin."}))

    assert sent["state"] == "PRICE_CALCULATED"
    assert sent["promised_at"] is None
    assert sent["history"][-1]["reason"] == sent["sent_back"] == "The band is thin."
    again = await _answer(crm().post(f"{address}/send-back", json={"reason": "Thin."}), 409)
    assert "Confirmed" in again["detail"]


async def test_an_order_is_cancelled_or_the_factory_is_asked(
    crm: Colleague, shop: Database, confirmed: Order, partner: Partner
) -> None:
    approved = await _answer(crm().post(f"/api/orders/{confirmed.number}/approve"))
    assert not approved["cancellation_requested"]

    why = {"reason": "The customer moved away."}
    asked = await _answer(crm().post(f"/api/orders/{confirmed.number}/cancel", json=why))
    assert (asked["state"], asked["cancellation_requested"]) == ("MANUFACTURING_APPROVED", True)

    async with shop.session() as session:
        other = await orders.place(session, partner.id, MODEL, "gold-585")
    cancelled = await _answer(crm().post(f"/api/orders/{other.number}/cancel", json=why))
    assert cancelled["state"] == "CANCELLED"
    assert cancelled["history"][-1]["reason"] == why["reason"]


async def test_notes_have_author_and_time_newest_first(crm: Colleague, confirmed: Order) -> None:
    address = f"/api/orders/{confirmed.number}"
    for text in ("Called the partner.", "  They will call back.\n"):
        await _answer(crm().post(f"{address}/notes", json={"text": text}))

    notes = (await _answer(crm().get(address)))["notes"]
    assert [(note["text"], note["author"]) for note in notes] == [
        ("They will call back.", "Boris"),
        ("Called the partner.", "Boris"),
    ]
    assert notes[0]["created_at"] > notes[1]["created_at"]
    empty = await _answer(crm().post(f"{address}/notes", json={"text": "\n"}), 422)
    assert empty["type"] == "urn:atelier:problem:note-empty"
    long = await _answer(crm().post(f"{address}/notes", json={"text": "x" * 4001}), 422)
    assert "4,000 characters" in long["detail"]


async def test_a_customer_is_found_with_their_orders(crm: Colleague, shop: Database) -> None:
    anna = Customer(email=f"{uuid4().hex}@example.org", name="Anna", password_hash="-")
    async with shop.session() as session:
        session.add(anna)
        await session.flush()
        order = await orders.begin(session, anna.id, MODEL)

    found = await _answer(crm().get("/api/customers", params={"q": anna.email}))
    assert [each["id"] for each in found["customers"]] == [str(anna.id)]
    known = await _answer(crm().get(f"/api/customers/{anna.id}"))
    assert (known["name"], known["language"]) == ("Anna", "en")
    hers = await _answer(crm().get("/api/orders", params={"customer": str(anna.id)}))
    assert [each["number"] for each in hers["orders"]] == [order.number]
    await _answer(crm().get(f"/api/customers/{uuid4()}"), 404)


async def test_attention_is_an_answer_like_the_others(
    crm: Colleague, shop: Database, confirmed: Order
) -> None:
    async with shop.session() as session:
        await session.execute(
            sa.update(Order).values(promised_at=sa.func.now() - sa.text("interval '3 days'"))
        )

    needed = await _answer(crm().get("/api/attention"))

    assert [order["number"] for order in needed["orders"]] == [confirmed.number]
    assert [each["kind"] for each in needed["orders"][0]["concerns"]] == ["overdue"]
    assert needed["more"] is False


async def test_the_menu_tells_how_many_orders_need_attention(
    crm: Colleague, shop: Database, confirmed: Order
) -> None:
    async with shop.session() as session:
        await session.execute(
            sa.update(Order).values(promised_at=sa.func.now() - sa.text("interval '3 days'"))
        )

    for path in ("orders", f"orders/{confirmed.number}", "customers", "attention"):
        page = await crm().get(f"/{path}")
        assert '<span class="nav__count">1</span>' in page.text, path


async def test_the_history_names_who_did_it(
    crm: Colleague, shop: Database, partner: Partner, confirmed: Order
) -> None:
    """An operator by the name that the workshop told with the step; where it told none, as the
    version before does, only as an operator."""
    await _answer(crm().post(f"/api/orders/{confirmed.number}/approve"))
    vera = f"operator:{uuid4()}"
    for step, told in {
        "manufacturing_started": {"actor_name": "Vera"},
        "manufacturing_completed": {"actor_name": "Vera Summer"},  # has married
        "packaging": {},
    }.items():
        event = Event(type=f"work.{step}", order_id=confirmed.id, actor=vera, data=told)
        async with shop.session() as session:
            await orders.handle(session, event)
    seen = await _answer(crm().get(f"/api/orders/{confirmed.number}"))

    names = {step["to"]: step["actor_name"] for step in seen["history"]}
    assert names == {
        "SUBMITTED": partner.name,
        "PRICE_CALCULATED": None,
        "CONFIRMED": partner.name,
        "MANUFACTURING_APPROVED": "Boris",
        "MANUFACTURING_STARTED": "Vera",
        "MANUFACTURING_COMPLETED": "Vera Summer",
        "PACKAGING": None,
    }
    page = await crm().get(f"/orders/{confirmed.number}")
    for name, role in (("Boris", "Seller"), ("Vera", "Operator"), ("Vera Summer", "Operator")):
        shown = f'<span class="name">{name}</span><span class="who__role">{role}</span>'
        assert shown in page.text, name
    assert '<td role="cell" data-label="By">Operator</td>' in page.text


async def test_a_choice_in_the_open_page_is_answered_so_that_it_is_shown(crm: Colleague) -> None:
    """htmx leaves out what is refused; the page says why all the same."""
    chosen = await crm().get("/orders", params={"q": "x"}, headers={"HX-Request": "true"})
    typed = await crm().get("/orders", params={"q": "x"})

    assert (chosen.status_code, typed.status_code) == (200, 422)
    assert "Type at least 3 letters" in chosen.text


async def test_nobody_gets_in_without_a_session(crm: Colleague, confirmed: Order) -> None:
    stranger = crm()
    stranger.cookies.clear()
    for path in ("orders", f"orders/{confirmed.number}", "customers", "attention"):
        await _answer(stranger.get(f"/api/{path}"), 401)
    for act in ("approve", "close", "send-back", "cancel", "notes"):
        await _answer(
            stranger.post(
                f"/api/orders/{confirmed.number}/{act}", json={"reason": "x", "text": "x"}
            ),
            401,
        )
