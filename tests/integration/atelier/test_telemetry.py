"""What an order's way leaves in traces, metrics and logs, and what must be in none of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from atelier.domain.lifecycle import State
from fixtures.abilities import ActRefused
from fixtures.addresses import LEIPZIG
from fixtures.clients.pages import ShopForms, register
from fixtures.company import Company
from fixtures.model_files import ModelFile, model_file
from fixtures.trace_collector import Span, TraceCollector, trace_collector
from tests.integration.atelier.platform_process import Running, company_of, running
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

NAME = "Anna Distinctive-Lastname"
EMAIL = "anna.distinctive@example.com"
PASSWORD = "distinctive pass phrase"
FILE_NAME = "ring for distinctive-beloved.stl"
IN_THE_FILE = b"distinctive words inside the file"
SEARCH = "distinctive search"
REFERENCE = "distinctive reference"
ENGRAVING = "Distinctive & beloved"
OPERATOR = "Clara Distinctive-Colleague"
ADDRESS = {**LEIPZIG, "recipient": "Distinctive Recipient", "line1": "Distinctivestreet 1"}


@pytest.fixture
def traces() -> Iterator[TraceCollector]:
    with trace_collector() as found:
        yield found


@pytest.fixture
def platform(bare_sandbox: Sandbox, traces: TraceCollector, tmp_path: Path) -> Iterator[Running]:
    """All services in one process, which tells the collector soon."""
    with running(
        bare_sandbox,
        tmp_path,
        ATELIER_OTLP_ENDPOINT=traces.address,
        OTEL_BSP_SCHEDULE_DELAY="100",
    ) as platform:
        yield platform


@pytest.fixture
def company(platform: Running) -> Iterator[Company]:
    with company_of(platform) as company:
        yield company


def customers_order(company: Company) -> tuple[str, dict[str, str]]:
    """A customer's order that has its price, and the customer's cookies."""
    shop = company.sandbox.services["shop"]
    cookies = dict(register(shop, NAME, EMAIL, PASSWORD))
    ring = model_file("the generated ring").data
    marked = ModelFile(FILE_NAME, IN_THE_FILE.ljust(80) + ring[80:])
    with closing(ShopForms(shop, cookies)) as forms:
        number = forms.begin(marked).number
        forms.submit(number, "gold-585")
    eventually(
        lambda: company.systems.crm_client.order(number),
        until=lambda seen: seen.state is State.PRICE_CALCULATED,
        timeout=60,
        ignoring=(ActRefused,),  # the replica may not know it yet
    )
    return number, cookies


def whole_life(company: Company, number: str, cookies: dict[str, str]) -> None:
    """From the price to the closed order."""
    with closing(ShopForms(company.sandbox.services["shop"], cookies)) as forms:
        forms.confirm(number, ADDRESS)
    company.systems.settle()
    seller, operator = (
        company.employs_seller("Boris"),
        company.employs_operator(OPERATOR),
    )
    seller.approves(number)
    company.systems.settle()
    operator.takes(number)
    operator.completes(number)
    operator.packs(number)
    operator.ships(number)
    company.systems.settle()
    seller.closes(number)
    company.systems.settle()


def path_to(span: Span, among: list[Span]) -> list[str]:
    """Who caused it, from the first span of its trace on."""
    by_id = {each.id: each for each in among}
    path = [span]
    while path[0].parent:
        path.insert(0, by_id[path[0].parent])
    return [f"{each.service}: {each.name}" for each in path if each.kind != "CLIENT"]


def test_a_price_is_one_trace_from_the_request_to_the_shop_again(
    company: Company, platform: Running, traces: TraceCollector
) -> None:
    number, _ = customers_order(company)
    company.systems.settle()
    order_id = company.systems.crm_client.order(number).id
    assert order_id is not None
    platform.stop()

    [asked] = [
        trace
        for trace in traces.traces_of(order_id)
        if any(span.name == "POST /orders/{number}/submit" for span in trace)
    ]
    [priced] = [
        span for span in asked if span.name == "process shop.orders" and span.service == "shop"
    ]
    assert path_to(priced, asked) == [
        "shop: POST /orders/{number}/submit",
        "shop: create atelier.events",
        "pricing: process pricing.calculations",
        "pricing: price a model",
        "mes: create atelier.events",
        "shop: process shop.orders",
    ]
    assert priced.attributes["messaging.system"] == "rabbitmq"
    assert priced.attributes["atelier.order.id"] == order_id
    # The workshop heard of it in the same trace.
    assert {span.name for span in asked if span.service == "mes"} > {"process mes.orders"}
    steps = {
        (span.attributes.get("atelier.order.from"), span.attributes.get("atelier.order.to"))
        for span in asked
    }
    assert ("FILE_UPLOADED", "SUBMITTED") in steps
    assert ("SUBMITTED", "PRICE_CALCULATED") in steps
    batches = [span for span in traces.spans() if span.name == "send atelier.events"]
    created = {span.id for span in asked if span.kind == "PRODUCER"}
    assert created <= {link for batch in batches for link in batch.links}


def test_nothing_personal_is_in_traces_metrics_or_logs(
    company: Company, platform: Running, traces: TraceCollector
) -> None:
    services = platform.sandbox.services
    number, cookies = customers_order(company)
    whole_life(company, number, cookies)
    assert company.systems.crm_client.who_took(number, State.SHIPPED) == OPERATOR
    key = company.accounts.partner_key("Distinctive & Partners")
    seller = company.accounts.seller("Distinctive Seller")
    with httpx.Client() as anybody:
        anybody.post(f"{services['shop']}/sign-in", data={"email": EMAIL, "password": PASSWORD})
        anybody.post(
            f"{services['shop']}/sign-in", data={"email": EMAIL, "password": f"{PASSWORD}!"}
        )
        anybody.post(
            f"{services['shop']}/register",
            data={"name": NAME, "email": EMAIL, "password": PASSWORD},
        )
        anybody.get(f"{services['shop']}/orders/{EMAIL}")
        anybody.get(f"{services['shop']}/{SEARCH}?q={EMAIL}")
        anybody.post(
            f"{services['partner']}/api/v1/orders",
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "a"},
            files={"model": (FILE_NAME, IN_THE_FILE)},
            data={"metal": "gold-585", "reference": REFERENCE},
        )
    with httpx.Client(base_url=services["shop"], cookies=cookies, timeout=60) as drawing:
        drawn = drawing.post("/studio/order", data={"engraving": ENGRAVING, "width": "5"})
        assert drawing.post(f"{drawn.headers['location']}/submit").status_code == 303
    company.systems.settle()
    with httpx.Client(base_url=services["crm"], cookies=seller.cookies) as desk:
        assert desk.get("/orders", params={"q": SEARCH}).status_code == 200
    metrics = "\n".join(httpx.get(f"{address}/metrics").text for address in services.values())
    platform.stop()

    told = {"traces": traces.text, "metrics": metrics, "logs": platform.log}
    assert "POST /orders/{number}/confirm" in told["traces"]
    assert 'route="/orders/{number}/confirm"' in told["metrics"]
    assert '"http.route": "/orders/{number}/confirm"' in told["logs"]
    secrets = [key, seller.email, seller.name, *cookies.values(), *seller.cookies.values()]
    for personal in (
        NAME,
        EMAIL,
        PASSWORD,
        FILE_NAME,
        IN_THE_FILE.decode(),
        SEARCH,
        REFERENCE,
        ENGRAVING,
        ADDRESS["recipient"],
        ADDRESS["line1"],
        OPERATOR,
        platform.sandbox.environment["ATELIER_SECRET_KEY"],
        *secrets,
    ):
        found = [where for where, text in told.items() if personal in text]
        assert not found, f"{personal!r} is in the {' and the '.join(found)}"
    assert "istinctive" not in "".join(told.values())


def test_a_log_line_tells_which_trace_it_belongs_to(
    company: Company, platform: Running, traces: TraceCollector
) -> None:
    customers_order(company)
    platform.stop()

    lines = [json.loads(line) for line in platform.log.splitlines() if line.startswith("{")]
    assert all(
        {"@timestamp", "ecs.version", "log.level", "message"} <= line.keys() for line in lines
    )
    [line] = [line for line in lines if line.get("http.route") == "/orders/{number}/submit"]
    assert line["service.name"] == "shop"
    assert line["http.response.status_code"] == 303
    [span] = [span for span in traces.spans() if span.id == line["span.id"]]
    assert (span.trace, span.kind) == (line["trace.id"], "SERVER")


def test_metrics_tell_of_routes_handlers_orders_outboxes_and_queues(company: Company) -> None:
    customers_order(company)
    company.systems.settle()

    shop = company.sandbox.services["shop"]
    text = httpx.get(f"{shop}/metrics").text

    for line in (
        'atelier_http_requests_total{method="POST",route="/orders/{number}/submit",'
        'service="shop",status="303"} 1.0',
        'atelier_handled_events_total{outcome="handled",queue="pricing.calculations"} 1.0',
        'atelier_handler_seconds_count{queue="pricing.calculations"} 1.0',
        'atelier_orders{state="PRICE_CALCULATED"} 1.0',
        'atelier_queue_messages{queue="shop.orders"} 0.0',
        'atelier_inbox_events{queue="shop.orders",state="dead"} 0.0',
        'atelier_letters_parked{kind="price"} 0.0',
    ):
        assert line in text.splitlines()
    for name in ("atelier_oldest_order_seconds", "atelier_outbox_unpublished"):
        assert f"{name}{{" in text


def test_metrics_are_not_for_the_public(company: Company) -> None:
    for address in company.sandbox.services.values():
        assert httpx.get(f"{address}/metrics").status_code == 200
        outside = httpx.get(f"{address}/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
        assert outside.status_code == 404
