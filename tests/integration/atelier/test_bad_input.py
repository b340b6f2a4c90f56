"""What people and programs get wrong: a clear answer, and nothing lost or half-made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier import security
from atelier.data.shop import Order, OrderHistory
from fixtures import models
from fixtures.addresses import LEIPZIG
from fixtures.company import Company
from fixtures.factories import (
    ApiKeyFactory,
    CustomerFactory,
    OperatorFactory,
    PartnerFactory,
    SellerFactory,
)
from touchstone.waiting import eventually

HOME = {"address": dict(LEIPZIG)}
RING = models.as_binary_stl(models.ring())
LIMIT = 50 * 1024 * 1024

STRUCTURALLY_BAD = {
    "not-stl": models.not_an_stl(),
    "truncated": models.truncated_binary(),
    "empty": models.empty_solid(),
}


class People:
    """Clients of whoever is signed in, and of a partner's program."""

    def __init__(self, company: Company, leaving: ExitStack) -> None:
        self.company = company
        self._leaving = leaving

    def customer(self) -> httpx.Client:
        with Session(self.company.shop_database) as session:
            return self._signed_in("shop", CustomerFactory.create(session=session).id)

    def seller(self) -> httpx.Client:
        with Session(self.company.shop_database) as session:
            return self._signed_in("crm", SellerFactory.create(session=session).id)

    def operator(self, name: str) -> httpx.Client:
        with Session(self.company.mes_database) as session:
            return self._signed_in("mes", OperatorFactory.create(session=session, name=name).id)

    def partner(self) -> httpx.Client:
        key = security.new_api_key()
        with Session(self.company.shop_database) as session:
            partner = PartnerFactory.create(session=session)
            ApiKeyFactory.create(session=session, partner_id=partner.id, key=key)
        return self.at("partner", headers={"Authorization": f"Bearer {key}"})

    def at(self, service: str, **options: Any) -> httpx.Client:
        client = httpx.Client(base_url=self.company.sandbox.services[service], **options)
        return self._leaving.enter_context(client)

    def _signed_in(self, service: str, user: Any) -> httpx.Client:
        secret = self.company.sandbox.environment["ATELIER_SECRET_KEY"]
        cookie = security.sign_session(service, user, secret)
        return self.at(service, cookies={f"atelier_{service}": cookie})


@pytest.fixture
def people(company: Company) -> Iterator[People]:
    with ExitStack() as leaving:
        yield People(company, leaving)


def upload(customer: httpx.Client, model: bytes, path: str = "/orders") -> httpx.Response:
    """For a new order, unless told for which."""
    return customer.post(path, files={"model": ("ring.stl", model)})


def begun(customer: httpx.Client) -> str:
    """The path of a customer's new order."""
    path: str = upload(customer, RING).headers["location"]
    return path


def place(partner: httpx.Client, model: bytes = RING, metal: str = "silver-925") -> httpx.Response:
    return partner.post(
        "/api/v1/orders",
        headers={"Idempotency-Key": str(uuid4())},
        files={"model": ("ring.stl", model)},
        data={"metal": metal},
    )


def states(company: Company) -> list[tuple[str, int]]:
    """State and number of steps of every order."""
    with Session(company.shop_database) as session:
        steps = sa.select(sa.func.count()).where(OrderHistory.order_id == Order.id)
        rows = session.execute(sa.select(Order.state, steps.scalar_subquery()))
        return [(str(state), count) for state, count in rows]


def kept(company: Company) -> list[str]:
    """The files in the model store, half-written ones too."""
    return [each.name for each in company.sandbox.files.rglob("*") if each.is_file()]


def approved(people: People) -> str:
    """The number of a partner's order that an operator may take."""
    partner, seller, mes = people.partner(), people.seller(), people.operator("Nobody")
    order = place(partner).json()
    address = order["links"]["self"]
    eventually(lambda: partner.get(address).json()["state"] == "PRICE_CALCULATED")
    assert partner.post(f"{address}/confirm", json=HOME).status_code == 200
    assert seller.post(f"/api/orders/{order['number']}/approve").status_code == 200
    number: str = order["number"]
    eventually(lambda: number in [each["number"] for each in mes.get("/api/work").json()["work"]])
    return number


@pytest.mark.parametrize("code", STRUCTURALLY_BAD)
class TestAFileThatIsNoModel:
    def test_in_the_shop(self, people: People, code: str) -> None:
        customer = people.customer()

        answer = upload(customer, STRUCTURALLY_BAD[code])

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert 'name="model"' in answer.text  # the form is still there, to try again
        assert states(people.company) == []
        assert kept(people.company) == []
        assert upload(customer, RING).status_code == 303
        assert states(people.company) == [("FILE_UPLOADED", 2)]

    def test_from_a_partner(self, people: People, code: str) -> None:
        answer = place(people.partner(), STRUCTURALLY_BAD[code])

        assert answer.status_code == 422
        assert answer.json()["type"] == f"urn:atelier:problem:model-{code}"
        assert states(people.company) == []
        assert kept(people.company) == []


def test_an_open_surface_is_accepted_and_then_no_price_is_possible(people: People) -> None:
    partner = people.partner()
    address = place(partner, models.open_surface()).headers["location"]

    order = eventually(
        lambda: partner.get(address).json(), until=lambda each: each["state"] == "PRICING_FAILED"
    )

    assert "not closed" in order["failure"]
    assert order["price"] is None
    assert partner.post(f"{address}/confirm", json=HOME).status_code == 409


def announced(size: int) -> dict[str, Any]:
    return {"files": {"model": ("ring.stl", bytes(size))}, "data": {"metal": "silver-925"}}


def streamed(size: int) -> dict[str, Any]:
    """A form that does not say how long it is."""

    def parts() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="model"; filename="ring.stl"\r\n\r\n'
        for _ in range(0, size, 1 << 20):
            yield bytes(1 << 20)
        yield b"\r\n--b--\r\n"

    return {"content": parts(), "headers": {"Content-Type": "multipart/form-data; boundary=b"}}


@pytest.mark.parametrize(
    ("body", "size"),
    [(announced, LIMIT + (1 << 20)), (announced, LIMIT + 1), (streamed, LIMIT + (1 << 20))],
    ids=["announced", "by one byte", "not announced"],
)
class TestAFileOverTheLimit:
    def test_in_the_shop(
        self, people: People, body: Callable[[int], dict[str, Any]], size: int
    ) -> None:
        customer = people.customer()

        answer = customer.post("/orders", **body(size), timeout=30)

        assert answer.status_code == 413
        assert "larger than 50 MB" in answer.text
        assert 'name="model"' in answer.text
        assert states(people.company) == []
        assert kept(people.company) == []

    def test_from_a_partner(
        self, people: People, body: Callable[[int], dict[str, Any]], size: int
    ) -> None:
        partner = people.partner()
        partner.headers["Idempotency-Key"] = "1"

        answer = partner.post("/api/v1/orders", **body(size), timeout=30)

        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:atelier:problem:model-too-large"
        assert states(people.company) == []
        assert kept(people.company) == []


def test_a_file_that_is_announced_too_large_is_refused_before_it_is_sent(people: People) -> None:
    partner = people.partner()
    connection = HTTPConnection(partner.base_url.host, partner.base_url.port, timeout=5)
    with closing(connection):
        connection.putrequest("POST", "/api/v1/orders")
        for name, value in {
            "Authorization": partner.headers["Authorization"],
            "Idempotency-Key": "1",
            "Content-Type": "multipart/form-data; boundary=b",
            "Content-Length": str(2 * LIMIT),
        }.items():
            connection.putheader(name, value)
        connection.endheaders()

        assert connection.getresponse().status == 413


class TestAnUnknownMetal:
    def test_in_the_shop(self, people: People) -> None:
        customer = people.customer()
        path = begun(customer)

        answer = customer.post(f"{path}/submit", data={"metal": "tin"})

        assert answer.status_code == 422
        assert "gold-750" in answer.text
        assert states(people.company) == [("FILE_UPLOADED", 2)]

    def test_from_a_partner(self, people: People) -> None:
        answer = place(people.partner(), metal="tin")

        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:atelier:problem:unknown-metal"
        assert "gold-750" in answer.json()["detail"]
        assert states(people.company) == []
        assert kept(people.company) == []


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({}, "missing"),
        ({"Authorization": "Basic abc"}, "missing"),
        ({"Authorization": f"Bearer ak_{'x' * 43}"}, "unknown"),
    ],
)
def test_a_call_without_or_with_a_wrong_key(
    people: People, headers: dict[str, str], slug: str
) -> None:
    answer = place(people.at("partner", headers=headers))

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == f"urn:atelier:problem:api-key-{slug}"
    assert kept(people.company) == []


class TestAForbiddenTransition:
    def test_in_the_shop_the_page_stays_with_an_alert(self, people: People) -> None:
        customer = people.customer()
        path = begun(customer)

        answer = customer.post(f"{path}/confirm")

        assert answer.status_code == 409
        assert 'role="alert"' in answer.text
        assert 'data-state="FILE_UPLOADED"' in answer.text
        assert states(people.company) == [("FILE_UPLOADED", 2)]

    def test_a_second_model_is_refused(self, people: People) -> None:
        customer = people.customer()
        path = begun(customer)

        assert upload(customer, RING, f"{path}/model").status_code == 409
        assert states(people.company) == [("FILE_UPLOADED", 2)]

    def test_in_the_crm(self, people: People) -> None:
        number = begun(people.customer()).rsplit("/", 1)[1]
        seller = people.seller()

        page = seller.post(f"/orders/{number}/approve")
        document = seller.post(f"/api/orders/{number}/close")

        assert page.status_code == document.status_code == 409
        assert 'role="alert"' in page.text
        assert document.json()["type"] == "urn:atelier:problem:forbidden-transition"
        assert states(people.company) == [("FILE_UPLOADED", 2)]

    def test_in_the_mes(self, people: People) -> None:
        number = approved(people)
        operator = people.operator("Otto")

        page, document = (
            operator.post(f"/work/{number}/ship", data={"tracking_number": "RR 123 456"}),
            operator.post(f"/api/work/{number}/pack"),
        )

        assert page.status_code == document.status_code == 409
        assert 'role="alert"' in page.text
        assert operator.get(f"/api/work/{number}").json()["state"] == "MANUFACTURING_APPROVED"


class TestTwoOperatorsTakeOneOrder:
    def test_at_once_one_gets_it(self, people: People) -> None:
        number = approved(people)
        operators = [people.operator(name) for name in ("Irina", "Otto", "Mia", "Jan")]

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda each: each.post(f"/api/work/{number}/take"), operators))

        [taken] = [answer.json() for answer in answers if answer.status_code == 200]
        refused = [answer.json() for answer in answers if answer.status_code == 409]
        assert len(refused) == 3
        assert {problem["type"] for problem in refused} == {"urn:atelier:problem:already-taken"}
        assert all(taken["operator"] in problem["detail"] for problem in refused)

    def test_the_second_ones_page_names_the_first(self, people: People) -> None:
        number = approved(people)
        people.operator("Irina").post(f"/work/{number}/take")

        from_list = people.operator("Otto").post(f"/work/{number}/take", data={"back": "list"})

        assert from_list.status_code == 409
        assert "Irina" in from_list.text
        assert "<h1>Work</h1>" in from_list.text


class TestWhatIsSomebodyElses:
    def test_a_customers_cookie_is_worth_nothing_at_the_crm(self, people: People) -> None:
        cookie = people.customer().cookies["atelier_shop"]
        crm = people.at("crm", cookies={"atelier_crm": cookie})

        assert crm.get("/api/orders").status_code == 401
        assert crm.get("/orders").headers["location"] == "/sign-in?next=/orders"

    def test_somebody_elses_order_is_none(self, people: People) -> None:
        path = begun(people.customer())
        other = people.customer()

        assert other.get(path).status_code == 404
        assert other.get(f"{path}/status").status_code == 404
        assert upload(other, RING, f"{path}/model").status_code == 404
        assert states(people.company) == [("FILE_UPLOADED", 2)]


class TestForms:
    @pytest.mark.parametrize(
        "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
    )
    def test_another_sites_form_does_nothing(self, people: People, headers: dict[str, str]) -> None:
        assert people.customer().post("/orders", headers=headers).status_code == 403
        assert states(people.company) == []

    def test_a_form_without_its_field_is_answered_in_the_page(self, people: People) -> None:
        customer = people.customer()

        no_file = customer.post("/orders", files={"model": ("", b"")})
        # As a page of the version before sent it.
        no_form = customer.post("/orders")
        no_metal = customer.post(f"{begun(customer)}/submit")

        assert no_file.status_code == no_form.status_code == no_metal.status_code == 422
        assert "No file chosen" in no_file.text
        assert "No file chosen" in no_form.text
        assert "No metal chosen" in no_metal.text

    def test_a_form_that_is_none_is_a_bad_request(self, people: People) -> None:
        answer = people.customer().post(
            "/sign-in",
            content=b"nonsense",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )

        assert answer.status_code == 400
        assert "<h1>" in answer.text

    def test_no_page_may_run_a_script_of_its_own(self, people: People) -> None:
        answer = people.at("shop").get("/")

        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in answer.text
        assert "style=" not in answer.text
