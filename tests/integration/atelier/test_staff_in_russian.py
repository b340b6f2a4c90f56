"""No page of the CRM and the MES tells a Russian seller or operator anything in English."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import httpx
import pytest
import sqlalchemy as sa

from atelier.data.shop import Order
from atelier.domain.lifecycle import State
from fixtures.company import Company
from fixtures.english_left import english_left
from fixtures.model_files import model_file
from fixtures.prepared_orders import order_in_state
from touchstone.waiting import eventually

RUSSIAN: Final = {"accept-language": "ru-RU,ru;q=0.9,en;q=0.8"}


def in_english(answer: httpx.Response) -> list[str]:
    """What of a page is told in English, with where it is told."""
    assert '<html lang="ru">' in answer.text, answer.url
    where = f"{answer.request.method} {answer.url.path} {answer.status_code}"
    return [f"{where}: {text}" for text in english_left(answer.text, "ru")]


@pytest.fixture
def orders(company: Company) -> dict[str, str]:
    """Orders to look at, by what has become of them."""
    partner, systems = company.works_with_partner("Меридиан"), company.systems
    crm, mes = systems.crm_client, systems.mes_client
    company.has_customer("Анна")
    numbers = {
        "started": company.shop_forms_of("Анна").begin(model_file("the generated ring")).number
    }
    for name, state in {
        "priced": State.PRICE_CALCULATED,
        "confirmed": State.CONFIRMED,
        "sent back": State.CONFIRMED,
        "cancelled": State.CONFIRMED,
        "approved": State.MANUFACTURING_APPROVED,
        "packed": State.MANUFACTURING_APPROVED,
        "closed": State.MANUFACTURING_APPROVED,
    }.items():
        numbers[name] = order_in_state(state, partner, systems).number
    crm.send_back(numbers["sent back"], "Тонкий обод погнётся.")
    crm.cancel(numbers["cancelled"], "Дубликат.")
    for name in ("packed", "closed"):
        for step in (mes.take, mes.complete, mes.pack):
            step(numbers[name])
    systems.has_arrived(mes.ship(numbers["closed"], "TRACK-1"))
    crm.close_order(numbers["closed"])
    crm.note(numbers["confirmed"], "Просили позвонить.")
    with company.shop_database.begin() as connection:
        past = sa.func.now() - sa.text("interval '3 days 2 hours'")
        late = sa.update(Order).where(Order.number == numbers["confirmed"])
        connection.execute(late.values(promised_at=past, updated_at=past))
    eventually(crm.attention)
    return numbers


def visited(client: httpx.Client, pages: Iterable[str]) -> list[str]:
    return [text for page in pages for text in in_english(client.get(page))]


def test_a_seller_reads_russian(company: Company, orders: dict[str, str]) -> None:
    crm = company.sandbox.services["crm"]
    with httpx.Client(base_url=crm, headers=RUSSIAN) as stranger:
        found = visited(stranger, ["/sign-in"])
        wrong = {"email": "nobody@example.org", "password": "wrong"}
        found += in_english(stranger.post("/sign-in", data=wrong))
    boris = company.accounts.seller("Борис")
    (anna,) = eventually(lambda: company.systems.crm_client.find_customers("Анна"))
    with httpx.Client(base_url=crm, headers=RUSSIAN, cookies=boris.cookies) as client:
        found += visited(client, ["/orders", "/orders?q=x", "/orders?q=nobody", "/attention"])
        found += visited(client, ["/customers", "/customers?q=nobody", f"/customers/{anna}"])
        found += visited(client, ["/customers?q=x", "/nowhere", "/orders/AT-NOTHING"])
        found += visited(client, [f"/orders/{number}" for number in orders.values()])
        confirmed = f"/orders/{orders['confirmed']}"
        found += in_english(client.post(f"{confirmed}/notes", data={"note": ""}))
        found += in_english(client.post(f"{confirmed}/send-back", data={"reason": "x" * 501}))
        found += in_english(client.post(f"/orders/{orders['closed']}/approve"))
        late = client.get("/attention").text
        refused = client.get("/api/orders", params={"q": "x"}).json()

    assert found == []
    assert "Обещанный срок прошёл, опоздание – 3 дня" in late
    assert "уже 3 дня, допустимо – 1 день" in late
    assert (refused["code"], refused["title"]) == ("search-too-short", "Слишком мало для поиска")


def test_an_operator_reads_russian(company: Company, orders: dict[str, str]) -> None:
    mes = company.sandbox.services["mes"]
    vera = company.accounts.operator("Вера")
    with httpx.Client(base_url=mes, headers=RUSSIAN) as stranger:
        found = visited(stranger, ["/sign-in"])
    with httpx.Client(base_url=mes, headers=RUSSIAN, cookies=vera.cookies) as client:
        found += visited(client, ["/work", "/work/AT-NOTHING", "/nowhere"])
        known = [number for name, number in orders.items() if name != "started"]
        found += visited(client, [f"/work/{number}" for number in known])
        found += in_english(client.post(f"/work/{orders['packed']}/ship"))
        found += in_english(client.post(f"/work/{orders['packed']}/take", data={"back": "list"}))

    assert found == []
