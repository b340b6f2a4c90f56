"""What strangers send to every route of every service: no answer is a fault of ours.

A bounded part of `python -m benchmarks.fuzz`.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from atelier.services import SERVICES
from fixtures.accounts import MadeAccounts
from fixtures.company import Company
from fixtures.odd_requests import Ask
from fixtures.routes import applications, routes_of
from fixtures.strangers import Account, Cast, Door, cast, fuzz

REQUESTS = 100  # to each service


@pytest.fixture
def strangers_company(company: Company) -> Cast:
    accounts = MadeAccounts(company.sandbox, company.shop_database, company.mes_database)
    return cast(company.sandbox, accounts)


@pytest.fixture
def routes(company: Company) -> list[str]:
    return routes_of(applications(company.sandbox))


def test_no_request_of_a_stranger_is_answered_with_a_fault_of_ours(
    company: Company, strangers_company: Cast, routes: list[str]
) -> None:
    seed = random.randrange(1 << 32)
    found = {
        service: fuzz(company.sandbox, strangers_company, service, routes, REQUESTS, seed)
        for service in SERVICES
    }
    assert [told for account in found.values() for told in account.broken] == [], f"seed {seed}"
    for service, account in found.items():
        assert sum(account.answers.values()) >= min(REQUESTS, 50), service
        statuses = {status for _, status in account.answers}
        assert 200 in statuses, service
        assert statuses & {400, 404, 405, 413, 415, 422}, service


@pytest.mark.parametrize("service", ["shop", "crm", "mes", "partner"])
def test_a_door_tells_a_fault_from_an_answer(company: Company, service: str) -> None:
    account = Account()
    door = Door(company.sandbox.services[service], account)
    ask = Ask(f"{service} GET /health/live", b"/health/live", [], None)
    assert door.send(ask) == 200
    account.note(ask, 500, 0.1)
    account.note(ask, 503, 1.5)
    assert len(account.broken) == len(account.slow) == 1
    door.close()


def megabytes(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * (1 << 20)


def test_a_body_without_an_end_is_refused_on_every_route(
    company: Company, strangers_company: Cast, routes: list[str]
) -> None:
    """Of 8 MB, of which it is not said how many they are, by somebody whom nobody knows."""
    allowed = {303, 401, 404, 405, 413, 422}  # 422 by a form that found no form to read
    wrong = []
    for route in routes:
        service, method, template = route.split(" ", 2)
        if method == "GET":
            continue
        path = template.format(**strangers_company.there.get(service, {}), delivery_id="1")
        address = company.sandbox.services[service] + path
        for kind in ("application/json", "text/plain"):
            headers = {"Content-Type": kind}
            answer = httpx.request(method, address, content=megabytes(8), headers=headers)
            # A document is read before it is known whose it is, as far as it may be long.
            if answer.status_code not in ({413} if kind == "application/json" else allowed):
                wrong.append(f"{route} ({kind}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_while_a_file_is_read_others_are_answered(company: Company) -> None:
    """Of the largest text files that are no models; a request for health has 5 s each."""
    key = company.accounts.partner_key("Meridian")
    address = company.sandbox.services["partner"]
    blanks = b"solid ring\n" + b"\n" * (40 << 20) + b"x"

    def upload() -> httpx.Response:
        return httpx.post(
            f"{address}/api/v1/orders",
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "one"},
            files={"model": ("r.stl", blanks)},
            data={"metal": "silver-925"},
            timeout=60,
        )

    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload)
        asked = 0
        while not uploading.done():
            assert httpx.get(f"{address}/health/live", timeout=5).status_code == 200
            asked += 1
    answer = uploading.result()
    assert asked
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:atelier:problem:model-not-stl")


def test_services_close_what_only_half_arrives(company: Company) -> None:
    """The service's own protocol is the patient one; what it does is tested by a clock."""
    address = urlsplit(company.sandbox.services["shop"])
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 300_000)
        assert line.recv(100).startswith(b"HTTP/1.1 431 ")
