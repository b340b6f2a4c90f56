"""What a partner changes of an order that it has placed: where the piece is sent, and its model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.data.shop import Order
from fixtures import models
from fixtures.addresses import LEIPZIG, MOSCOW
from fixtures.company import Company
from tests.integration.atelier.partner_client import (
    HOME,
    OTHER_RING,
    RING,
    assert_problem,
    client,
    order_in,
    place,
)

WHY = "The band is thinner than 1 mm."


@pytest.fixture
def partner(company: Company) -> Iterator[httpx.Client]:
    with client(company, "Maison Aurélie") as http:
        yield http


def priced(partner: httpx.Client) -> dict[str, Any]:
    return order_in(partner, place(partner).headers["location"], "PRICE_CALCULATED")


def confirmed(partner: httpx.Client) -> dict[str, Any]:
    order: dict[str, Any] = partner.post(priced(partner)["links"]["confirm"], json=HOME).json()
    assert order["state"] == "CONFIRMED"
    return order


def told(partner: httpx.Client, order: dict[str, Any]) -> dict[str, str]:
    """The address that the API tells, as far as it has parts."""
    address = partner.get(order["links"]["self"]).json()["address"]
    return {part: text for part, text in address.items() if text is not None}


def test_the_address_of_a_confirmed_order_is_changed(partner: httpx.Client) -> None:
    order = confirmed(partner)

    changed = partner.put(order["links"]["address"], json=MOSCOW)

    assert (changed.status_code, changed.json()["state"]) == (200, "CONFIRMED")
    assert told(partner, order) == MOSCOW
    again = partner.put(order["links"]["address"], json=MOSCOW)
    assert again.json() == changed.json()


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        ({}, {"recipient": "missing", "line1": "missing", "country": "missing"}),
        ({"address": {}}, {"address": "extra_forbidden"}),
        ({**LEIPZIG, "line1": 5}, {"line1": "string_type"}),
        ({**LEIPZIG, "postal_code": "4109"}, {"postal_code": "address_part_wrong"}),
        ({**LEIPZIG, "city": ""}, {"city": "missing"}),
    ],
    ids=["empty", "wrapped", "a number", "not so in Germany", "nowhere"],
)
def test_what_is_wrong_with_another_address_is_pointed_at(
    partner: httpx.Client, document: dict[str, Any], errors: dict[str, str]
) -> None:
    order = confirmed(partner)

    problem = assert_problem(
        partner.put(order["links"]["address"], json=document), 422, "invalid-request"
    )

    found = {fault["where"]: fault["code"] for fault in problem["errors"]}
    assert errors.items() <= found.items()
    assert "Schulz" not in str(problem)
    assert told(partner, order) == LEIPZIG


def test_before_the_confirmation_and_once_the_workshop_has_begun_the_address_stays(
    partner: httpx.Client, company: Company
) -> None:
    order = priced(partner)
    address = f"{order['links']['self']}/address"
    assert order["links"]["address"] is None
    assert_problem(partner.put(address, json=MOSCOW), 409, "address-fixed")

    partner.post(order["links"]["confirm"], json=HOME).raise_for_status()
    company.systems.crm_client.approve(order["number"])
    company.systems.settle()
    company.systems.mes_client.take(order["number"])
    order = order_in(partner, order["links"]["self"], "MANUFACTURING_STARTED")

    assert order["links"]["address"] is None
    problem = assert_problem(partner.put(address, json=MOSCOW), 409, "address-fixed")
    assert problem["code"] == "address-fixed"
    assert told(partner, order) == LEIPZIG


def test_another_partners_order_keeps_its_address(partner: httpx.Client, company: Company) -> None:
    order = confirmed(partner)

    with client(company, "Haus Zwei") as other:
        answer = other.put(order["links"]["address"], json=MOSCOW)
    assert_problem(answer, 404, "order-not-found")
    assert told(partner, order) == LEIPZIG
    del partner.headers["Authorization"]
    answer = partner.put(order["links"]["address"], json=MOSCOW)
    assert_problem(answer, 401, "api-key-missing")


def test_an_address_that_is_changed_while_the_order_is_approved_and_taken_is_one_everywhere(
    partner: httpx.Client, company: Company
) -> None:
    """The approval or the workshop's first step, and the change, come at the same moment."""
    crm, mes = company.systems.crm_client, company.systems.mes_client
    orders = [confirmed(partner) for _ in range(6)]
    for order in orders[::2]:
        crm.approve(order["number"])
    company.systems.settle()

    for begun, order in zip([mes.take, crm.approve] * 3, orders, strict=True):
        with ThreadPoolExecutor(2) as pool:
            changing = pool.submit(partner.put, order["links"]["address"], json=MOSCOW)
            pool.submit(begun, order["number"]).result()
        assert changing.result().status_code in (200, 409), changing.result().text
        changed = changing.result().status_code == 200
        company.systems.settle()
        kept = told(partner, order)
        assert kept == (MOSCOW if changed else LEIPZIG)
        assert mes.address(order["number"]) == crm.address(order["number"])
        assert {k: v for k, v in (mes.address(order["number"]) or {}).items() if v} == kept


def replace_model(
    partner: httpx.Client,
    order: dict[str, Any],
    model: bytes = OTHER_RING,
    *,
    key: str | None = None,
    **fields: str,
) -> httpx.Response:
    return partner.put(
        f"{order['links']['self']}/model",
        headers={"Idempotency-Key": key or str(uuid4())},
        files={"model": ("ring.stl", model)},
        data=fields,
    )


def priced_again(partner: httpx.Client, order: dict[str, Any]) -> dict[str, Any]:
    return order_in(partner, order["links"]["self"], "PRICE_CALCULATED")


def submissions(company: Company, order: dict[str, Any]) -> int:
    with Session(company.shop_database) as session:
        return session.scalars(sa.select(Order.submission).filter_by(id=UUID(order["id"]))).one()


def test_an_order_that_was_sent_back_gets_another_model_and_another_price(
    partner: httpx.Client, company: Company
) -> None:
    order = confirmed(partner)
    assert order["links"]["model"] is None
    company.systems.crm_client.send_back(order["number"], WHY)
    sent_back = partner.get(order["links"]["self"]).json()
    [listed] = partner.get("/api/v1/orders").json()["orders"]
    assert sent_back["sent_back"] == listed["sent_back"] == WHY

    answer = replace_model(partner, sent_back, finish="satin")

    assert answer.status_code == 202
    accepted = answer.json()
    told = {name: accepted[name] for name in ("id", "state", "price", "sent_back")}
    assert told == {"id": order["id"], "state": "SUBMITTED", "price": None, "sent_back": None}
    assert (accepted["metal"], accepted["finish"]) == ("gold-750", "satin")
    again = priced_again(partner, order)
    assert again["price"] not in (None, order["price"])
    assert submissions(company, order) == 2
    assert partner.post(again["links"]["confirm"], json={"address": MOSCOW}).status_code == 200


def test_a_model_that_no_price_is_possible_for_is_replaced(partner: httpx.Client) -> None:
    failed = order_in(
        partner, place(partner, models.open_surface()).headers["location"], "PRICING_FAILED"
    )

    assert replace_model(partner, failed, RING).status_code == 202

    assert priced_again(partner, failed)["failure"] is None


def test_a_repeated_replacement_gives_the_same_answer_and_one_submission(
    partner: httpx.Client, company: Company
) -> None:
    placed = place(partner, key="PO-1")
    order = order_in(partner, placed.headers["location"], "PRICE_CALCULATED")
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: replace_model(partner, order, key="1", metal="gold-750"), range(4))
        )

    assert {answer.status_code for answer in answers} == {202}, answers[0].text
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
    priced_again(partner, order)
    assert replace_model(partner, order, RING, key="2", metal="gold-585").status_code == 202
    priced_again(partner, order)
    assert submissions(company, order) == 3

    late = replace_model(partner, order, key="1", metal="gold-750")
    assert (late.text, late.headers["idempotent-replayed"]) == (answers[0].text, "true")
    placed_again = place(partner, key="PO-1")
    assert (placed_again.text, placed_again.headers["idempotent-replayed"]) == (placed.text, "true")
    assert submissions(company, order) == 3


def test_a_key_stands_for_one_request(partner: httpx.Client) -> None:
    first = order_in(partner, place(partner, key="1").headers["location"], "PRICE_CALCULATED")
    second = priced(partner)
    assert_problem(replace_model(partner, first, key="1"), 422, "idempotency-key-reused")

    assert replace_model(partner, first, key="2").status_code == 202
    for answer in (
        replace_model(partner, second, key="2"),
        replace_model(partner, first, RING, key="2"),
        replace_model(partner, first, key="2", finish="satin"),
        place(partner, OTHER_RING, key="2"),
    ):
        assert_problem(answer, 422, "idempotency-key-reused")


def test_a_replacement_is_refused_and_changes_nothing(
    partner: httpx.Client, company: Company
) -> None:
    order = priced(partner)
    path = f"{order['links']['self']}/model"
    keyed = {"Idempotency-Key": "1"}
    assert_problem(partner.put(path, files={"model": RING}), 400, "idempotency-key-missing")
    assert_problem(partner.put(path, headers=keyed, json={}), 415, "unsupported-media-type")
    problem = assert_problem(
        partner.put(path, headers=keyed, files={"other": b"x"}), 422, "invalid-request"
    )
    assert {each["where"]: each["code"] for each in problem["errors"]} == {"model": "missing"}
    assert_problem(replace_model(partner, order, metal="tin"), 422, "unknown-metal")
    assert_problem(replace_model(partner, order, finish="rough"), 422, "unknown-finish")
    assert_problem(replace_model(partner, order, models.not_an_stl()), 422, "model-not-stl")
    with client(company, "Haus Zwei") as other:
        assert_problem(replace_model(other, order), 404, "order-not-found")
    assert priced_again(partner, order)["price"] == order["price"]

    assert partner.post(order["links"]["confirm"], json=HOME).status_code == 200
    problem = assert_problem(replace_model(partner, order), 409, "forbidden-transition")
    assert "Confirmed" in problem["detail"]
    assert submissions(company, order) == 1


def test_of_a_confirmation_and_another_model_at_once_the_confirmed_piece_is_the_priced_one(
    partner: httpx.Client, company: Company
) -> None:
    for _ in range(4):
        order = priced(partner)

        def confirm(order: dict[str, Any] = order) -> int:
            return partner.post(order["links"]["confirm"], json=HOME).status_code

        with ThreadPoolExecutor(2) as pool:
            confirming = pool.submit(confirm)
            replacing = pool.submit(replace_model, partner, order)
        outcome = confirming.result(), replacing.result().status_code
        assert outcome in {(200, 409), (409, 202)}
        if outcome[0] == 200:
            assert submissions(company, order) == 1
        else:
            priced_again(partner, order)
