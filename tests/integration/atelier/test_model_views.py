"""The model of an order in the CRM and in the MES: its file and its pictures, by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from atelier.domain.lifecycle import State
from fixtures.company import Company
from fixtures.model_files import model_file
from fixtures.prepared_orders import order_in_state
from tests.integration.atelier.empty_orders import empty_order_of
from touchstone.waiting import eventually

PNG = b"\x89PNG\r\n\x1a\n"
PAGES = {"crm": "/orders", "mes": "/work"}
APIS = {"crm": "/api/orders", "mes": "/api/work"}


@dataclass(frozen=True)
class Desk:
    """A piece in its colleague's system: `page` and `api` are where its addresses begin."""

    http: httpx.Client
    page: str
    api: str
    files: Path

    def kept_pictures(self) -> list[Path]:
        return sorted(self.files.glob("pictures/*/*.png"))


@pytest.fixture(params=["crm", "mes"])
def desk(company: Company, request: pytest.FixtureRequest) -> Iterator[Desk]:
    service: str = request.param
    partner = company.works_with_partner("Meridian")
    number = order_in_state(State.PRICE_CALCULATED, partner, company.systems).number
    colleague = company.accounts.seller() if service == "crm" else company.accounts.operator()
    with ExitStack() as leaving:
        http = leaving.enter_context(
            httpx.Client(
                base_url=company.sandbox.services[service], cookies=colleague.cookies, timeout=60
            )
        )
        yield Desk(
            http,
            f"{PAGES[service]}/{number}",
            f"{APIS[service]}/{number}",
            company.sandbox.files,
        )


def test_the_file_is_the_one_that_was_sent(desk: Desk) -> None:
    for address in (desk.page, desk.api):
        answer = desk.http.get(f"{address}/model")

        assert answer.content == model_file("the generated ring").data
        assert answer.headers["content-type"] == "model/stl"
        number = desk.page.rpartition("/")[2]
        assert answer.headers["content-disposition"] == f'attachment; filename="{number}.stl"'


def test_the_page_leads_to_what_it_shows(desk: Desk) -> None:
    page = desk.http.get(desk.page).text

    picture = page.split('class="stage__picture" src="')[1].split('"')[0]
    file = page.split('id="model-download" href="')[1].split('"')[0]
    assert desk.http.get(picture).content.startswith(PNG)
    assert desk.http.get(file).content == model_file("the generated ring").data


def test_a_picture_is_painted_once_and_kept(desk: Desk) -> None:
    painted = desk.http.get(f"{desk.page}/picture.png").content
    [kept] = desk.kept_pictures()
    assert kept.read_bytes() == painted

    kept.write_bytes(PNG + b"as it was kept")

    for address in (desk.page, desk.api):
        assert desk.http.get(f"{address}/picture.png").content == PNG + b"as it was kept"


@pytest.mark.parametrize("part", ["model", "picture.png"])
def test_a_browser_keeps_what_has_a_version_and_asks_again_for_the_newest(
    desk: Desk, part: str
) -> None:
    with_version = desk.http.get(f"{desk.page}/{part}?v=1").headers["cache-control"]
    newest = desk.http.get(f"{desk.page}/{part}").headers["cache-control"]

    assert with_version == "private, max-age=31536000, immutable"
    assert newest == "private, no-cache"


@pytest.mark.parametrize("part", ["model", "picture.png"])
def test_a_program_is_told_what_is_not_there(desk: Desk, part: str) -> None:
    api = desk.api.rpartition("/")[0]
    nobodys = desk.http.get(f"{api}/AT-NONE/{part}")
    for model in desk.files.rglob("*.stl"):
        model.unlink()
    lost = desk.http.get(f"{desk.api}/{part}")

    assert nobodys.json()["type"] == "urn:atelier:problem:order-not-found"
    assert lost.json()["type"] == "urn:atelier:problem:model-unavailable"
    assert lost.status_code == 503


def test_the_list_has_a_small_picture(company: Company) -> None:
    partner = company.works_with_partner("Meridian")
    number = order_in_state(State.PRICE_CALCULATED, partner, company.systems).number
    address = company.sandbox.services["mes"]
    with httpx.Client(base_url=address, cookies=company.accounts.operator().cookies) as mes:
        small = mes.get(f"/work/{number}/thumbnail.png?v=2")
        large = mes.get(f"/work/{number}/picture.png")

    assert small.content.startswith(PNG)
    assert "immutable" in small.headers["cache-control"]
    assert len(small.content) < 12_000 < len(large.content)


def test_an_order_without_a_model_is_none_to_sellers(company: Company) -> None:
    anna = company.has_customer("Anna")
    (known,) = eventually(lambda: company.systems.crm_client.find_customers(anna.email))
    number = empty_order_of(known, company.sandbox.databases["shop"].primary)
    address = company.sandbox.services["crm"]
    with httpx.Client(base_url=address, cookies=company.accounts.seller().cookies) as crm:
        answers = [crm.get(f"/orders/{number}{part}") for part in ("", "/model", "/picture.png")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
