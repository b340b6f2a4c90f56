"""The partner API over HTTP: what it promises in its OpenAPI document, it does."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.data.shop import ApiKey, IdempotencyKey, Order
from atelier.domain.finishes import FINISHES
from atelier.domain.metals import METALS
from atelier.domain.models3d import measure
from atelier.domain.pricing import quote
from atelier.partner.reference import limits_in_words
from fixtures.addresses import LEIPZIG
from fixtures.company import Company
from tests.integration.atelier.partner_client import (
    HOME,
    OTHER_RING,
    RING,
    assert_problem,
    client,
    order_in,
    place,
    rows,
)


@pytest.fixture
def partner(company: Company) -> Iterator[httpx.Client]:
    with client(company, "Maison Aurélie") as http:
        yield http


def test_an_order_is_accepted_priced_and_confirmed(partner: httpx.Client) -> None:
    accepted = place(partner, reference="PO-2026-118")

    assert accepted.status_code == 202
    document = accepted.json()
    assert accepted.headers["location"] == f"/api/v1/orders/{document['id']}"
    assert "idempotent-replayed" not in accepted.headers
    assert {name: document[name] for name in ("state", "metal", "price", "currency")} == {
        "state": "SUBMITTED",
        "metal": "gold-750",
        "price": None,
        "currency": "EUR",
    }
    assert document["reference"] == "PO-2026-118"

    priced = order_in(partner, accepted.headers["location"], "PRICE_CALCULATED")
    assert (
        Decimal(priced["price"])
        == quote(
            measure(RING).volume_mm3, METALS["gold-750"], Decimal("78.70"), FINISHES["polished"]
        ).total
    )

    confirmed = partner.post(priced["links"]["confirm"], json=HOME)
    assert confirmed.status_code == 200
    assert confirmed.json()["state"] == "CONFIRMED"
    assert confirmed.json()["links"]["confirm"] is None
    assert priced["address"] is None
    given = {**dict.fromkeys(("line2", "region")), **LEIPZIG}
    assert (
        confirmed.json()["address"]
        == given
        == partner.get(priced["links"]["self"]).json()["address"]
    )


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({}, {"address"}),
        ({"address": None}, {"address"}),
        ({"address": {}}, {"address.recipient", "address.line1", "address.country"}),
        ({"address": {**LEIPZIG, "street": "x"}}, {"address.street"}),
        ({"address": {**LEIPZIG, "line1": 5}}, {"address.line1"}),
        (
            {"address": {**LEIPZIG, "postal_code": "4109", "city": ""}},
            {"address.postal_code", "address.city"},
        ),
        ({"address": {**LEIPZIG, "country": "XX"}}, {"address.country"}),
        ({"address": LEIPZIG, "to": 1}, {"to"}),
    ],
    ids=["none", "null", "empty", "unknown", "a number", "not so in Germany", "nowhere", "more"],
)
def test_what_is_wrong_with_an_address_is_pointed_at(
    partner: httpx.Client, document: dict[str, Any], where: set[str]
) -> None:
    address = place(partner).headers["location"]
    order_in(partner, address, "PRICE_CALCULATED")

    problem = assert_problem(
        partner.post(f"{address}/confirm", json=document), 422, "invalid-request"
    )

    assert {fault["where"] for fault in problem["errors"]} == where
    assert "Schulz" not in str(problem)
    assert partner.get(address).json()["state"] == "PRICE_CALCULATED"


def test_repeating_a_request_gives_the_same_answer_and_one_order(
    partner: httpx.Client, company: Company
) -> None:
    first = place(partner, key="PO-1")
    order_in(partner, first.headers["location"], "PRICE_CALCULATED")

    again = place(partner, key="PO-1", name="renamed.stl")

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert rows(company, Order) == 1


@pytest.mark.parametrize(
    "change", [{"metal": "gold-585"}, {"reference": "PO-2"}, {"model": OTHER_RING}]
)
def test_a_key_stands_for_one_order(
    partner: httpx.Client, company: Company, change: dict[str, Any]
) -> None:
    place(partner, key="PO-1")

    assert_problem(place(partner, key="PO-1", **change), 422, "idempotency-key-reused")
    assert rows(company, Order) == 1


def test_two_partners_may_have_the_same_key(partner: httpx.Client, company: Company) -> None:
    first = place(partner, key="1")
    with client(company, "Haus Zwei") as other:
        second = place(other, key="1")

    assert "idempotent-replayed" not in second.headers
    assert first.json()["id"] != second.json()["id"]


def test_equal_requests_at_once_are_one_order(partner: httpx.Client, company: Company) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: place(partner, key="PO-1"), range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
    assert (rows(company, Order), rows(company, IdempotencyKey)) == (1, 1)


def test_a_refused_request_does_not_use_its_key_up(partner: httpx.Client) -> None:
    assert_problem(place(partner, key="PO-1", metal="tin"), 422, "unknown-metal")

    assert place(partner, key="PO-1").status_code == 202


@pytest.mark.parametrize(
    ("key", "slug"), [(None, "missing"), ("two words", "malformed"), ("x" * 256, "malformed")]
)
def test_the_key_is_required(
    partner: httpx.Client, company: Company, key: str | None, slug: str
) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = partner.post(
        "/api/v1/orders", headers=headers, files={"model": RING}, data={"metal": "gold-750"}
    )

    assert_problem(answer, 400, f"idempotency-key-{slug}")
    assert rows(company, Order) == 0


def test_an_order_is_its_partners(partner: httpx.Client, company: Company) -> None:
    address = place(partner).headers["location"]
    order_in(partner, address, "PRICE_CALCULATED")

    with client(company, "Haus Zwei") as other:
        assert_problem(other.get(address), 404, "order-not-found")
        assert_problem(other.post(f"{address}/confirm", json=HOME), 404, "order-not-found")
    assert partner.get(address).json()["state"] == "PRICE_CALCULATED"


def test_confirming_twice_is_a_forbidden_transition(partner: httpx.Client) -> None:
    address = place(partner).headers["location"]
    order_in(partner, address, "PRICE_CALCULATED")
    assert partner.post(f"{address}/confirm", json=HOME).status_code == 200

    problem = assert_problem(
        partner.post(f"{address}/confirm", json=HOME), 409, "forbidden-transition"
    )

    assert "Confirmed" in problem["detail"]


def test_a_revoked_key_opens_nothing(partner: httpx.Client, company: Company) -> None:
    assert place(partner).status_code == 202
    with Session(company.shop_database) as session:
        session.execute(sa.update(ApiKey).values(revoked_at=sa.func.now()))
        session.commit()

    assert_problem(place(partner), 401, "api-key-unknown")


def test_what_is_missing_is_listed(partner: httpx.Client) -> None:
    answer = partner.post(
        "/api/v1/orders",
        headers={"Idempotency-Key": "1"},
        files={"other": b"x"},
        data={"reference": "x" * 201},
    )

    problem = assert_problem(answer, 422, "invalid-request")
    assert {fault["where"]: fault["code"] for fault in problem["errors"]} == {
        "model": "missing",
        "metal": "missing",
        "reference": "string_too_long",
    }


def test_a_fault_has_a_code_whatever_the_language(partner: httpx.Client) -> None:
    english, russian = (
        partner.get("/api/v1/orders/not-a-uuid", headers={"Accept-Language": language})
        for language in ("en", "ru")
    )

    assert english.json()["errors"] == russian.json()["errors"]
    (fault,) = russian.json()["errors"]
    assert (fault["where"], fault["code"]) == ("path.order_id", "uuid_parsing")
    assert russian.json()["title"] == "Неверный запрос"
    assert russian.json()["detail"] == "Эти части запроса неверны: path.order_id."


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/api/v1/orders/not-a-uuid", 422, "invalid-request"),
        ("GET", f"/api/v1/orders/{UUID(int=0)}", 404, "order-not-found"),
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("DELETE", "/api/v1/orders", 405, "method-not-allowed"),
        ("POST", "/api/v1/orders", 415, "unsupported-media-type"),
    ],
)
def test_all_errors_are_problem_documents(
    partner: httpx.Client, method: str, path: str, status: int, slug: str
) -> None:
    answer = partner.request(method, path, headers={"Idempotency-Key": "1"})

    assert_problem(answer, status, slug)


def test_the_openapi_document_tells_every_answer(partner: httpx.Client) -> None:
    api = partner.get("/openapi.json").json()

    told = {
        f"{method.upper()} {path}": sorted(operation["responses"])
        for path, item in api["paths"].items()
        for method, operation in item.items()
    }
    for_all = {"400", "401", "429", "503"}
    for_each = {
        "POST /api/v1/orders": {"202", "413", "415", "422"},
        "GET /api/v1/orders": {"200", "422"},
        "GET /api/v1/orders/{order_id}": {"200", "404", "422"},
        "POST /api/v1/orders/{order_id}/confirm": {"200", "404", "409", "413", "415", "422"},
        "PUT /api/v1/orders/{order_id}/address": {"200", "404", "409", "413", "415", "422"},
        "PUT /api/v1/orders/{order_id}/model": {"202", "404", "409", "413", "415", "422"},
        "POST /api/v1/orders/{order_id}/cancel": {"200", "404", "409", "422"},
        "POST /api/v1/estimates": {"202", "413", "415", "422"},
        "GET /api/v1/estimates/{estimate_id}": {"200", "404", "422"},
        "POST /api/v1/webhooks": {"201", "409", "413", "415", "422"},
        "GET /api/v1/webhooks": {"200"},
        "GET /api/v1/webhooks/{webhook_id}": {"200", "404", "422"},
        "DELETE /api/v1/webhooks/{webhook_id}": {"204", "404", "422"},
        "GET /api/v1/webhooks/{webhook_id}/deliveries": {"200", "404", "422"},
        "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": {
            *("202", "404", "422")
        },
        "POST /api/v1/keys": {"201", "409", "413", "415", "422"},
        "GET /api/v1/keys": {"200"},
        "DELETE /api/v1/keys/{key_id}": {"204", "404", "409", "422"},
    }
    assert told == {route: sorted(for_all | answers) for route, answers in for_each.items()}
    problems = [
        content
        for item in api["paths"].values()
        for operation in item.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
        for content in answer["content"].items()
    ]
    assert {media_type for media_type, _ in problems} == {"application/problem+json"}
    assert all(content["examples"] for _, content in problems)
    assert {"Problem", "Fault", "OrderDocument"} <= set(api["components"]["schemas"])


def test_the_reference_page_needs_nobody_elses_server(partner: httpx.Client) -> None:
    page = partner.get("/docs")

    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "https://" not in page.text
    assert "urn:atelier:problem:unknown-metal" in page.text


def test_the_start_leads_to_the_reference(partner: httpx.Client) -> None:
    start = partner.get("/")

    assert (start.status_code, start.headers["location"]) == (303, "/docs")


def test_the_reference_tells_every_parameter_with_its_limits(partner: httpx.Client) -> None:
    shown = html.unescape(partner.get("/docs").text)

    parameters = [
        parameter
        for item in partner.get("/openapi.json").json()["paths"].values()
        for operation in item.values()
        for parameter in operation.get("parameters", ())
    ]
    assert parameters
    for parameter in parameters:
        assert f"<code>{parameter['name']}</code>" in shown
        words = limits_in_words(parameter["schema"])
        assert words[1:] in shown, f"{parameter['name']}: {words}"
    assert "1 to 100; 50 unless given" in shown


@pytest.mark.skipif(shutil.which("curl") is None, reason="the example is for curl")
def test_the_examples_order_and_change_a_piece_as_they_are_pasted(
    partner: httpx.Client, tmp_path: Path
) -> None:
    shown = html.unescape(partner.get("/docs").text)
    commands = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", shown, re.DOTALL)
    key = partner.headers["Authorization"].removeprefix("Bearer ")

    said = subprocess.run(
        ["sh", "-euc", "\n".join(commands).replace("ak_…", key)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    decoder = json.JSONDecoder()
    answers, rest = [], said.stdout
    while rest:
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].lstrip()
    listed, ordered, replaced, confirmed, readdressed, cancelled = answers
    assert listed == {"orders": [], "next": None}
    assert (ordered["state"], ordered["metal"]) == ("SUBMITTED", "silver-925")
    assert ordered["reference"] == "PO-2026-118"
    assert (replaced["id"], replaced["state"]) == (ordered["id"], "SUBMITTED")
    assert (replaced["metal"], replaced["finish"]) == ("silver-925", "satin")
    assert confirmed["address"] != readdressed["address"]
    assert cancelled["state"] == "CANCELLED"
