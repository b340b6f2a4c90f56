"""SIGTERM finishes what a process holds: the upload that is under way, the event in hand."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from atelier.domain.lifecycle import State
from fixtures import models
from fixtures.company import Company
from fixtures.prepared_orders import order_in_state
from tests.integration.atelier.platform_process import Running, company_of, running
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

_BOUNDARY = "a-line-that-is-in-no-model"


@pytest.fixture
def platform(bare_sandbox: Sandbox, tmp_path: Path) -> Iterator[Running]:
    with running(bare_sandbox, tmp_path) as platform:
        yield platform


@pytest.fixture
def company(platform: Running) -> Iterator[Company]:
    with company_of(platform) as company:
        yield company


def is_stopping(platform: Running) -> None:
    platform.process.send_signal(signal.SIGTERM)
    eventually(lambda: '"message": "stopping"' in platform.log)


def test_an_upload_that_is_under_way_is_taken(company: Company, platform: Running) -> None:
    customer = company.accounts.customer("Anna")
    body = _upload(models.as_binary_stl(models.ring()))
    connection = HTTPConnection(urlsplit(platform.sandbox.services["shop"]).netloc, timeout=30)
    connection.putrequest("POST", "/orders")
    connection.putheader("Cookie", "; ".join(f"{k}={v}" for k, v in customer.cookies.items()))
    connection.putheader("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:1000])
    # The request has begun when the process says so; its beginning may still be on its way.
    eventually(lambda: 'atelier_http_requests_in_progress{service="shop"} 2.0' in _metrics(company))

    is_stopping(platform)
    connection.send(body[1000:])

    answer = connection.getresponse()
    assert answer.status == 303
    connection.close()
    assert platform.process.wait(timeout=30) == 0
    with psycopg.connect(platform.sandbox.databases["shop"].primary) as database:
        made = database.execute('SELECT number, state FROM "order"').fetchall()
    number = (answer.getheader("location") or "").removeprefix("/orders/")
    assert made == [(number, State.FILE_UPLOADED)]


def test_an_event_in_hand_is_handled(company: Company, platform: Running) -> None:
    sender = company.works_with_partner("Meridian")
    order = order_in_state(State.PRICE_CALCULATED, sender, company.systems)
    with psycopg.connect(platform.sandbox.databases["mes"].primary) as mes:
        # Whoever holds the row keeps the handler waiting for it.
        mes.execute("SELECT FROM work_order FOR UPDATE")
        sender.confirms(order.number)
        with psycopg.connect(mes.info.dsn, password=mes.info.password, autocommit=True) as other:
            eventually(
                lambda: other.execute(
                    "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                    " AND wait_event_type = 'Lock'"
                ).fetchall()
            )
        is_stopping(platform)
        mes.rollback()

    assert platform.process.wait(timeout=30) == 0
    with psycopg.connect(platform.sandbox.databases["mes"].primary) as mes:
        [state] = mes.execute("SELECT state FROM work_order").fetchone() or ()
    assert state == State.CONFIRMED
    lines = platform.log.splitlines()
    assert not [line for line in lines if '"log.level": "error"' in line]


def test_a_process_that_cannot_work_lives_and_says_that_it_is_not_ready(
    company: Company, platform: Running
) -> None:
    address = platform.sandbox.services["mes"]
    databases = platform.sandbox.databases
    name = psycopg.conninfo.conninfo_to_dict(databases["mes"].primary)["dbname"]
    with psycopg.connect(databases["shop"].primary, autocommit=True) as administrator:
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )

        eventually(
            lambda: httpx.get(f"{address}/health/ready").status_code,
            until=lambda status: status == 503,
        )
        assert httpx.get(f"{address}/health/live").status_code == 200

        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    eventually(
        lambda: httpx.get(f"{address}/health/ready").status_code,
        until=lambda status: status == 200,
        timeout=30,
    )


def _metrics(company: Company) -> str:
    return httpx.get(f"{company.sandbox.services['shop']}/metrics").text


def _upload(model: bytes) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="model"; filename="ring.stl"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + model + f"\r\n--{_BOUNDARY}--\r\n".encode()
