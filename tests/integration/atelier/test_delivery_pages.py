"""The form that asks for an address, and the pages that show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

import httpx
import pytest

from atelier.domain.lifecycle import State
from fixtures.addresses import LEIPZIG, MOSCOW
from fixtures.clients.pages import ShopForms
from fixtures.company import Company
from fixtures.prepared_orders import customers_order_in_state
from touchstone.waiting import eventually


@pytest.fixture
def cookies(company: Company) -> Mapping[str, str]:
    return company.accounts.customer("Anna").cookies


@pytest.fixture
def forms(company: Company, cookies: Mapping[str, str]) -> Iterator[ShopForms]:
    """The shop, as Anna uses it without looking."""
    with closing(ShopForms(company.sandbox.services["shop"], cookies)) as forms:
        yield forms


@pytest.fixture
def anna(company: Company, cookies: Mapping[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=company.sandbox.services["shop"], cookies=dict(cookies)) as client:
        yield client


def test_a_refused_address_keeps_what_was_typed_and_the_next_order_proposes_the_last(
    company: Company, forms: ShopForms, anna: httpx.Client
) -> None:
    number = customers_order_in_state(State.PRICE_CALCULATED, forms, company.systems).number
    page = f"/orders/{number}"
    assert 'value="Anna' in anna.get(page).text  # who ordered is proposed as who receives

    typed = {**LEIPZIG, "postal_code": "4109", "city": "", "line2": "<b>2nd floor</b>"}
    refused = anna.post(f"{page}/confirm", data=typed, headers={"Accept-Language": "en"})

    assert refused.status_code == 422
    for words in (
        'value="Am Markt 1"',
        'value="4109"',
        "&lt;b&gt;2nd floor&lt;/b&gt;",
        '<option value="DE" selected>',
        'id="postal_code-fault"',
        'href="#city"',
        "In this country a postal code looks like this: 26133.",
        'data-state="PRICE_CALCULATED"',
    ):
        assert words in refused.text, words
    assert 'id="line1-fault"' not in refused.text

    assert anna.post(f"{page}/confirm", data=dict(LEIPZIG)).status_code == 303
    confirmed = anna.get(page).text
    assert "04109 Leipzig" in confirmed
    assert "Am Markt 1" in confirmed

    other = customers_order_in_state(State.PRICE_CALCULATED, forms, company.systems).number
    assert 'value="Am Markt 1"' in anna.get(f"/orders/{other}").text


def test_an_address_is_shown_whole_wherever_it_is_needed(
    company: Company, forms: ShopForms, anna: httpx.Client
) -> None:
    number = customers_order_in_state(State.MANUFACTURING_APPROVED, forms, company.systems).number
    assert anna.post(f"/orders/{number}/address", data=dict(MOSCOW)).status_code == 303
    company.systems.settle()

    services = company.sandbox.services
    sellers = company.accounts.seller("Boris").cookies
    operators = company.accounts.operator("Clara").cookies
    with (
        httpx.Client(base_url=services["crm"], cookies=sellers) as boris,
        httpx.Client(base_url=services["mes"], cookies=operators) as clara,
    ):
        boris.headers["Accept-Language"] = clara.headers["Accept-Language"] = "ru"
        pages = [boris.get(f"/orders/{number}").text, clara.get(f"/work/{number}").text]
        for page in pages:
            for line in ("Мария Шульц", "ул. Пречистенка, д. 12/2", "кв. 7", "119034", "Россия"):
                assert line in page, line
        document = clara.get(f"/api/work/{number}").json()["address"]
        assert document == {**dict.fromkeys(("region", "telephone")), **MOSCOW}
        assert all("address" not in row for row in clara.get("/api/work").json()["work"])

        wrong = boris.post(f"/orders/{number}/address", data={**MOSCOW, "postal_code": ""})
        assert wrong.status_code == 422
        assert 'id="postal_code-fault"' in wrong.text
        put = boris.put(f"/api/orders/{number}/address", json={**LEIPZIG, "city": ""})
        assert (put.status_code, put.json()["errors"][0]["where"]) == (422, "city")
        version = clara.get(f"/work/{number}").text.partition("?seen=")[2].partition('"')[0]
        assert clara.get(f"/work/{number}?seen={version}").status_code == 204
        assert boris.post(f"/orders/{number}/address", data=dict(LEIPZIG)).status_code == 303
        eventually(lambda: clara.get(f"/work/{number}?seen={version}").status_code == 200)
        assert clara.post(f"/api/work/{number}/take").status_code == 200
    company.systems.settle()
    late = anna.post(f"/orders/{number}/address", data=dict(MOSCOW))
    assert late.status_code == 409
    assert "Leipzig" in anna.get(f"/orders/{number}").text
