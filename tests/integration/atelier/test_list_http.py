"""The list of work over HTTP, from processes that were started as in production."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import sqlalchemy as sa

from atelier.domain.lifecycle import State
from fixtures.clients.staff import MesClient
from fixtures.company import Company
from fixtures.model_files import model_file
from fixtures.prepared_orders import order_in_state
from tests.integration.atelier.platform_process import ATELIER, environment, running
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

NOBODY = "redis://127.0.0.1:1/0"
"""A cache that cannot be reached: nothing listens there."""


class Stream:
    """Server-sent events, read one after another."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self, *kinds: str) -> dict[str, str]:
        """The next event of one of the kinds; raises StopIteration when the stream ends."""
        found: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line:
                found[name] = value
            elif found.get("event") in kinds:
                return found
            else:
                found = {}
        raise StopIteration

    def row(self, number: str, state: State) -> dict[str, str]:
        """The next event that tells that the piece is in this state."""
        while True:
            event = self.next("changes")
            rows = json.loads(event["data"])["rows"]
            if [number, state] in [[row[0], row[2]] for row in rows]:
                return event


@contextmanager
def listening(
    address: str, cookies: dict[str, str], since: int, last: str = ""
) -> Iterator[Stream]:
    with (
        httpx.Client(base_url=address, cookies=cookies, timeout=20) as http,
        http.stream(
            "GET",
            "/api/list/events",
            params={"since": since},
            headers={"Last-Event-ID": last} if last else {},
        ) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer.iter_lines())


def frames(body: bytes) -> list[Any]:
    found = []
    while body:
        length = int.from_bytes(body[:4], "big")
        found.append(json.loads(gzip.decompress(body[4 : 4 + length])))
        body = body[4 + length :]
    return found


def whole(address: str, cookies: dict[str, str]) -> tuple[int, list[list[Any]]]:
    """The list's position and its rows."""
    answer = httpx.get(f"{address}/api/list", cookies=cookies)
    assert answer.status_code == 200
    head, *parts = frames(answer.content)
    rows = [row for part in parts for row in part]
    assert head["count"] == len(rows)
    return head["position"], rows


@pytest.fixture
def approved(company: Company) -> str:
    partner = company.works_with_partner("Meridian")
    return order_in_state(State.MANUFACTURING_APPROVED, partner, company.systems).number


@pytest.fixture
def mes(company: Company, cookies: dict[str, str]) -> Iterator[MesClient]:
    """What Vera does."""
    with closing(MesClient(company.sandbox.services["mes"], cookies)) as client:
        yield client


@pytest.fixture
def cookies(company: Company) -> dict[str, str]:
    return company.accounts.operator("Vera").cookies


def test_what_is_done_in_one_process_is_told_by_another(
    company: Company, approved: str, cookies: dict[str, str], mes: MesClient, tmp_path: Path
) -> None:
    here = company.sandbox.services["mes"]
    with running(company.sandbox, tmp_path, "mes") as other:
        there = other.sandbox.services["mes"]
        since, _ = whole(there, cookies)
        with listening(there, cookies, since) as stream:
            mes.take(approved)
            event = stream.row(approved, State.MANUFACTURING_STARTED)

        mes.complete(approved)

        # Connected again, perhaps with another process: nothing was missed.
        with listening(here, cookies, since, last=event["id"]) as stream:
            stream.row(approved, State.MANUFACTURING_COMPLETED)
        missed = httpx.get(
            f"{there}/api/list/changes", params={"since": event["id"]}, cookies=cookies
        ).json()
        assert [approved, State.MANUFACTURING_COMPLETED] in [
            [row[0], row[2]] for row in missed["rows"]
        ]


def test_who_has_the_list_already_is_not_sent_it_again(
    company: Company, approved: str, cookies: dict[str, str], mes: MesClient
) -> None:
    address = f"{company.sandbox.services['mes']}/api/list"

    def first() -> httpx.Response:
        return httpx.get(address, cookies=cookies)

    known = eventually(first, until=lambda found: approved in str(frames(found.content)))
    again = httpx.get(address, cookies=cookies, headers={"If-None-Match": known.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")

    mes.take(approved)
    eventually(
        lambda: (
            httpx.get(
                address, cookies=cookies, headers={"If-None-Match": known.headers["ETag"]}
            ).status_code
        ),
        until=lambda status: status == 200,
        describe="the list is another one now",
    )


def test_without_redis_the_mes_is_ready_and_its_list_complete(
    company: Company, approved: str, cookies: dict[str, str], mes: MesClient, tmp_path: Path
) -> None:
    with running(company.sandbox, tmp_path, "mes", ATELIER_CACHE=NOBODY) as alone:
        address = alone.sandbox.services["mes"]
        page = httpx.get(f"{address}/work", cookies=cookies).text
        assert ">The fast copy of this list is not there at the moment" in page
        assert f"work-{approved}" in page

        since, rows = whole(address, cookies)
        assert [row[0] for row in rows] == [approved]
        with listening(address, cookies, since) as stream:
            assert stream.next("source")["data"] == '{"fast": false}'
            mes.take(approved)
            stream.row(approved, State.MANUFACTURING_STARTED)


def test_a_process_that_stops_ends_the_streams_of_its_pages(
    company: Company, cookies: dict[str, str], tmp_path: Path
) -> None:
    with running(company.sandbox, tmp_path, "mes") as other:
        with listening(other.sandbox.services["mes"], cookies, 0) as stream:
            stream.next("source")
            other.process.terminate()
            with pytest.raises(StopIteration):
                stream.next("never")
        assert other.process.wait(timeout=30) == 0


ENDS_OF_A_SESSION = {
    "sign-out": "UPDATE operator SET session_version = session_version + 1 WHERE name = 'Vera'",
    "account removed": "DELETE FROM operator WHERE name = 'Vera'",
}


@pytest.mark.parametrize("statement", ENDS_OF_A_SESSION.values(), ids=ENDS_OF_A_SESSION.keys())
def test_the_stream_ends_with_the_session(
    company: Company, cookies: dict[str, str], statement: str
) -> None:
    address = company.sandbox.services["mes"]
    others = company.accounts.operator("Clara").cookies
    with (
        listening(address, cookies, 0) as stream,
        listening(address, others, 0) as kept,
    ):
        stream.next("source")
        kept.next("source")
        with company.mes_database.begin() as connection:
            connection.execute(sa.text(statement))
        # Within what the client waits for: otherwise it would be told in 300 s.
        with pytest.raises(StopIteration):
            stream.next("never")
        assert httpx.get(f"{address}/api/list", cookies=cookies).status_code == 401
        company.works_with_partner("Meridian").orders_a_piece(
            model_file("the generated ring"), "silver-925"
        )
        kept.next("changes")


def test_signing_out_ends_the_stream(company: Company, cookies: dict[str, str]) -> None:
    address = company.sandbox.services["mes"]
    with listening(address, cookies, 0) as stream:
        stream.next("source")
        assert httpx.post(f"{address}/sign-out", cookies=cookies).status_code == 303
        with pytest.raises(StopIteration):
            stream.next("never")


def test_programs_get_all_work_by_the_page(company: Company, mes: MesClient, approved: str) -> None:
    with company.mes_database.begin() as connection:
        # All of the same moment: pages must not depend on it alone.
        connection.execute(
            sa.text(
                "INSERT INTO work_order (order_id, number, state, source, metal, finish,"
                " model_name, model_checksum, sequence, order_sequence, created_at, updated_at)"
                " SELECT gen_random_uuid(), 'AT-' || lpad(each::text, 6, '0'),"
                " CASE WHEN each > 1200 THEN 'CLOSED' ELSE state END, source, metal, finish,"
                " model_name, model_checksum, sequence, order_sequence, created_at, updated_at"
                " FROM work_order, generate_series(1, 1300) AS each"
            )
        )

    numbers = [seen.number for seen in mes.work()]

    assert sorted(numbers) == [*(f"AT-{each:06}" for each in range(1, 1201)), approved]


@pytest.mark.parametrize("path", ["", "/changes?since=0", "/events?since=0"])
def test_strangers_see_nothing_of_it(company: Company, path: str) -> None:
    answer = httpx.get(f"{company.sandbox.services['mes']}/api/list{path}")
    assert (answer.status_code, answer.json()["title"]) == (401, "Sign in first")


@pytest.mark.parametrize("since", ["-1", "x", str(2**63), ""])
def test_a_position_is_a_number(company: Company, cookies: dict[str, str], since: str) -> None:
    answer = httpx.get(
        f"{company.sandbox.services['mes']}/api/list/changes",
        params={"since": since},
        cookies=cookies,
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("number", ["", "  ", "?", "1Z", "x" * 65, "<b>12</b>"])
def test_a_parcel_needs_a_tracking_number(
    company: Company, approved: str, cookies: dict[str, str], mes: MesClient, number: str
) -> None:
    mes.take(approved)
    mes.complete(approved)
    mes.pack(approved)

    refused = httpx.post(
        f"{company.sandbox.services['mes']}/api/work/{approved}/ship",
        json={"tracking_number": number},
        cookies=cookies,
    )

    assert (refused.status_code, refused.json()["title"]) == (422, "Tracking number needed")
    assert mes.order(approved).state is State.PACKAGING


def atelier(sandbox: Sandbox, *arguments: str) -> str:
    done = subprocess.run(
        [*ATELIER, *arguments],
        env=environment(sandbox.environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_by_command_databases_are_seeded_and_the_list_is_built(bare_sandbox: Sandbox) -> None:
    told = atelier(bare_sandbox, "seed", "--small", "--password", "a fine password")
    assert "300 orders, 120 of them active work" in told
    assert "The password of all of them is a fine password" in told
    assert "There are orders already" in atelier(bare_sandbox, "seed", "--small")

    assert "120 rows" in atelier(bare_sandbox, "readmodel", "rebuild")
    with redis.Redis.from_url(bare_sandbox.cache) as cache:
        assert sum(json.loads(cache.hget("mes:list", "chunks") or b"{}").values()) == 120
