"""The partner API beyond the first order: lists, estimates, keys, limits, webhooks over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.clock import now
from atelier.data.shop import (
    Estimate,
    IdempotencyKey,
    Order,
    OrderHistory,
    Partner,
    WebhookDelivery,
    WebhookEndpoint,
)
from atelier.domain.finishes import FINISHES
from atelier.domain.metals import METALS
from atelier.domain.models3d import measure
from atelier.domain.pricing import Quote, quote
from fixtures import models
from fixtures.company import Company
from fixtures.webhook_receiver import WebhookReceiver
from tests.integration.atelier.partner_client import (
    HOME,
    RING,
    assert_problem,
    client,
    order_in,
    place,
    rows,
)
from touchstone.waiting import eventually


@pytest.fixture
def partner(company: Company) -> Iterator[httpx.Client]:
    with client(company, "Maison Aurélie") as http:
        yield http


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    server = WebhookReceiver()
    yield server
    server.stop()


def price_of(finish: str) -> Quote:
    """Of the ring, in gold 750."""
    volume = measure(RING).volume_mm3
    return quote(volume, METALS["gold-750"], Decimal("78.70"), FINISHES[finish])


def write(company: Company, statement: sa.Update) -> None:
    with Session(company.shop_database) as session:
        session.execute(statement)
        session.commit()


def pages(http: httpx.Client, address: str) -> Iterator[dict[str, Any]]:
    following: str | None = address
    while following is not None:
        answer = http.get(following).raise_for_status()
        page: dict[str, Any] = answer.json()
        following = page["next"]
        link = None if following is None else f'<{following}>; rel="next"'
        assert answer.headers.get("link") == link
        yield page


def test_a_list_has_each_order_once_though_others_come_meanwhile(partner: httpx.Client) -> None:
    placed = [place(partner).json()["id"] for _ in range(5)]

    listed = []
    for page in pages(partner, "/api/v1/orders?limit=2"):
        listed.append([order["id"] for order in page["orders"]])
        place(partner)

    assert listed == [placed[:2:-1], placed[2:0:-1], placed[:1]]


def test_orders_of_one_moment_are_listed_too(partner: httpx.Client, company: Company) -> None:
    placed = {place(partner).json()["id"] for _ in range(4)}
    write(company, sa.update(Order).values(created_at=now()))

    listed = [
        order["id"] for page in pages(partner, "/api/v1/orders?limit=1") for order in page["orders"]
    ]

    assert len(listed) == 4
    assert set(listed) == placed


def test_a_list_can_be_of_one_state(partner: httpx.Client) -> None:
    first = place(partner).headers["location"]
    order_in(partner, first, "PRICE_CALCULATED")
    partner.post(f"{first}/confirm", json=HOME).raise_for_status()
    place(partner)

    [page] = pages(partner, "/api/v1/orders?state=CONFIRMED")

    assert [order["links"]["self"] for order in page["orders"]] == [first]


def test_a_list_is_the_partners_own(partner: httpx.Client, company: Company) -> None:
    place(partner)

    with client(company, "Haus Zwei") as other:
        assert other.get("/api/v1/orders").json() == {"orders": [], "next": None}


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%20", "MjAyNi0wMy0wN1QwOTowNTowMCB4", "ы"])
def test_a_cursor_that_we_did_not_give_out_is_refused(partner: httpx.Client, cursor: str) -> None:
    answer = partner.get("/api/v1/orders", params={"cursor": cursor})

    assert_problem(answer, 422, "cursor-not-valid")


def test_the_finish_is_part_of_the_price(partner: httpx.Client) -> None:
    answer = place(partner, finish="hammered")
    assert (answer.status_code, answer.json()["finish"]) == (202, "hammered")

    priced = order_in(partner, answer.headers["location"], "PRICE_CALCULATED")

    price = price_of("hammered")
    assert priced["price"] == str(price.total)
    assert priced["price_parts"] == {
        "metal": str(price.metal_cost),
        "making": str(price.making),
        "finish": str(price.finish),
    }
    assert_problem(place(partner, finish="gilded"), 422, "unknown-finish")


def test_nobody_is_told_who_worked_on_an_order(partner: httpx.Client, company: Company) -> None:
    address = place(partner).headers["location"]
    told = {"actor": f"operator:{uuid4()}", "actor_name": "Vera Workbench"}
    write(company, sa.update(OrderHistory).values(told))

    for path in (address, "/api/v1/orders", "/openapi.json"):
        answer = partner.get(path).raise_for_status()
        assert not [word for word in ("Workbench", "operator:", "actor") if word in answer.text]


def test_an_order_is_cancelled_once(partner: httpx.Client) -> None:
    address = place(partner).headers["location"]
    priced = order_in(partner, address, "PRICE_CALCULATED")

    cancelled = partner.post(priced["links"]["cancel"])

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "CANCELLED")
    assert {name: link for name, link in cancelled.json()["links"].items() if link} == {
        "self": address
    }
    assert_problem(partner.post(f"{address}/cancel"), 409, "forbidden-transition")


def test_a_key_is_free_again_after_a_day(partner: httpx.Client, company: Company) -> None:
    first = place(partner, key="PO-1").json()
    day = timedelta(hours=24)
    write(company, sa.update(IdempotencyKey).values(created_at=now() - day + timedelta(minutes=5)))
    assert place(partner, key="PO-1").json()["id"] == first["id"]
    write(company, sa.update(IdempotencyKey).values(created_at=now() - day))

    second = place(partner, key="PO-1", metal="silver-925")

    assert second.status_code == 202
    assert second.json()["id"] != first["id"]
    assert rows(company, IdempotencyKey) == 1


def estimate_of(http: httpx.Client, model: bytes, **fields: str) -> dict[str, Any]:
    asked = http.post("/api/v1/estimates", files={"model": model}, data=fields)
    assert asked.status_code == 202, asked.text
    assert asked.json()["state"] == "PENDING"

    def look() -> dict[str, Any]:
        found: dict[str, Any] = http.get(asked.headers["location"]).raise_for_status().json()
        return found

    return eventually(look, until=lambda found: found["state"] != "PENDING")


def test_an_estimate_is_a_price_without_an_order(partner: httpx.Client, company: Company) -> None:
    estimate = estimate_of(partner, RING, metal="gold-750", finish="satin")

    price = price_of("satin")
    assert estimate["state"] == "CALCULATED"
    assert Decimal(estimate["price"]) == price.total
    assert estimate["price_parts"]["finish"] == str(price.finish)
    assert rows(company, Order) == 0


def test_an_estimate_that_is_not_possible_says_why(partner: httpx.Client) -> None:
    estimate = estimate_of(partner, models.open_surface(), metal="gold-750")

    assert (estimate["state"], estimate["price"]) == ("FAILED", None)
    assert estimate["failure"]


def test_an_estimate_is_the_partners_own_and_is_kept_for_a_day(
    partner: httpx.Client, company: Company
) -> None:
    address = estimate_of(partner, RING, metal="gold-750")["links"]["self"]
    with client(company, "Haus Zwei") as other:
        assert_problem(other.get(address), 404, "estimate-not-found")

    write(company, sa.update(Estimate).values(created_at=now() - timedelta(days=1)))
    assert_problem(partner.get(address), 404, "estimate-not-found")
    estimate_of(partner, RING, metal="gold-585")

    with Session(company.shop_database) as session:
        assert session.scalars(sa.select(Estimate.metal)).all() == ["gold-585"]


def test_each_answer_tells_the_limits_and_429_when_to_come_back(
    partner: httpx.Client, company: Company
) -> None:
    write(company, sa.update(Partner).values(burst=2, burst_window=3600, daily_quota=50))

    answers = [partner.get("/api/v1/orders") for _ in range(4)]
    answers.insert(1, partner.get("/api/v1/nothing"))

    assert [answer.status_code for answer in answers] == [200, 404, 200, 429, 429]
    policy = '"burst";q=2;w=3600, "daily";q=50;w=86400'
    told = [answers[0], *answers[2:]]
    assert {answer.headers["ratelimit-policy"] for answer in told} == {policy}
    left = [answer.headers["ratelimit"].partition(";t=")[0] for answer in told]
    assert left == ['"burst";r=1', '"burst";r=0', '"burst";r=0', '"burst";r=0']
    problem = assert_problem(answers[3], 429, "too-many-requests")
    assert 0 < int(answers[3].headers["retry-after"]) <= 1800
    assert answers[3].headers["retry-after"] in problem["detail"]
    with client(company, "Haus Zwei") as other:
        assert other.get("/api/v1/orders").status_code == 200


def test_a_refusal_tells_the_limits_too(partner: httpx.Client) -> None:
    answer = partner.get("/api/v1/orders/not-a-uuid")

    assert answer.status_code == 422
    assert "ratelimit" in answer.headers


def test_a_day_that_is_used_up_is_another_problem(partner: httpx.Client, company: Company) -> None:
    write(company, sa.update(Partner).values(daily_quota=1))

    answers = [partner.get("/api/v1/orders") for _ in range(2)]

    assert_problem(answers[1], 429, "daily-quota-used-up")
    assert 0 < int(answers[1].headers["retry-after"]) <= 86_400


def add_webhook(http: httpx.Client, url: str) -> httpx.Response:
    return http.post("/api/v1/webhooks", json={"url": url})


def test_a_webhook_is_added_listed_and_deleted(
    partner: httpx.Client, company: Company, receiver: WebhookReceiver
) -> None:
    added = add_webhook(partner, receiver.url)
    assert added.status_code == 201
    address = added.headers["location"]
    assert added.json()["secret"].startswith("whsec_")
    [listed] = partner.get("/api/v1/webhooks").json()["webhooks"]
    assert listed == {name: added.json()[name] for name in ("id", "url", "created_at", "links")}
    assert partner.get(address).json() == listed
    with client(company, "Haus Zwei") as other:
        assert other.get("/api/v1/webhooks").json() == {"webhooks": []}
        assert_problem(other.get(address), 404, "webhook-not-found")
        assert_problem(other.delete(address), 404, "webhook-not-found")
        assert_problem(other.get(f"{address}/deliveries"), 404, "webhook-not-found")

    assert partner.delete(address).status_code == 204

    assert_problem(partner.get(address), 404, "webhook-not-found")


def test_what_was_delivered_is_listed_and_delivered_again(
    partner: httpx.Client, company: Company, receiver: WebhookReceiver
) -> None:
    webhook = add_webhook(partner, receiver.url).json()
    order_in(partner, place(partner).headers["location"], "PRICE_CALCULATED")

    def listed(query: str = "") -> list[dict[str, Any]]:
        found = pages(partner, f"{webhook['links']['deliveries']}?limit=1{query}")
        return [each for page in found for each in page["deliveries"]]

    eventually(lambda: len(listed("&state=DELIVERED")), until=lambda number: number == 2)
    newest, oldest = listed()
    assert [newest["type"], oldest["type"]] == ["order.price_calculated", "order.submitted"]
    assert (oldest["attempts"], oldest["last_status"]) == (1, 204)
    assert [each.id for each in receiver.received] == [oldest["event_id"], newest["event_id"]]

    again = partner.post(oldest["links"]["redeliver"])

    assert (again.status_code, again.json()["state"]) == (202, "PENDING")
    eventually(lambda: len(receiver.received), until=lambda number: number == 3)
    assert receiver.received[2].id == oldest["event_id"]
    assert receiver.received[2].body == receiver.received[0].body
    assert_problem(
        partner.post(f"{webhook['links']['deliveries']}/{webhook['id']}/redeliver"),
        404,
        "delivery-not-found",
    )
    assert partner.delete(webhook["links"]["self"]).status_code == 204
    with Session(company.shop_database) as session:
        for table in (WebhookDelivery, WebhookEndpoint):
            assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_a_partner_has_ten_webhooks_at_most(partner: httpx.Client) -> None:
    answers = [add_webhook(partner, f"https://example.com/{n}") for n in range(11)]

    assert [answer.status_code for answer in answers[:-1]] == [201] * 10
    assert_problem(answers[-1], 409, "too-many-webhooks")


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b'{"url": "ftp://example.com"}', 422, "invalid-request"),
        (b'{"url": "https://example.com:99999/"}', 422, "webhook-url-refused"),
        (b"{}", 422, "invalid-request"),
        (b'{"url": "https://example.com", "secret": "x"}', 422, "invalid-request"),
        (b"\xff", 422, "invalid-request"),
        (b'"' + b"x" * 70_000 + b'"', 413, "request-too-large"),
    ],
)
def test_a_document_that_is_no_webhook_is_refused(
    partner: httpx.Client, content: bytes, status: int, slug: str
) -> None:
    answer = partner.post(
        "/api/v1/webhooks", content=content, headers={"Content-Type": "application/json"}
    )

    assert_problem(answer, status, slug)
    assert_problem(partner.post("/api/v1/webhooks"), 415, "unsupported-media-type")
