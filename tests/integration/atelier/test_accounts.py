"""Accounts over HTTP: registering and signing in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.data.shop import Customer, Email
from fixtures.company import Company
from fixtures.factories import PASSWORD, OperatorFactory

At = Callable[[str], httpx.Client]
"""Somebody at a service, not signed in."""


@pytest.fixture
def at(company: Company) -> Iterator[At]:
    with ExitStack() as closing:
        yield lambda service: closing.enter_context(
            httpx.Client(base_url=company.sandbox.services[service])
        )


def register(shop: httpx.Client, **fields: str) -> httpx.Response:
    whole = {"name": "Anna", "email": "anna@example.com", "password": PASSWORD}
    return shop.post("/register", data={**whole, **fields})


def test_a_taken_address_is_said_to_be_taken(at: At, company: Company) -> None:
    shop = at("shop")
    assert register(shop).status_code == 303

    again = register(at("shop"), email="Anna@Example.com")

    assert again.status_code == 409
    assert "already an account" in again.text
    with Session(company.shop_database) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 1


@pytest.mark.parametrize(
    "written", ["anna@BÜCHER.example", "anna@xn--bcher-kva.example", " ａｎｎａ@bücher.example"]
)
def test_one_address_is_one_account_however_it_is_written(at: At, written: str) -> None:
    assert register(at("shop"), email="anna@bücher.example").status_code == 303

    assert register(at("shop"), email=written).status_code == 409
    known = at("shop").post("/sign-in", data={"email": written, "password": PASSWORD})
    assert known.status_code == 303


SPELLINGS = (
    "anna@bücher.example",
    "Anna@Bücher.Example",
    "ANNA@BÜCHER.EXAMPLE",
    "anna@xn--bcher-kva.example",
    "Anna@XN--BCHER-KVA.example",
    "anna@bu\u0308cher.example",
    "\uff41\uff4e\uff4e\uff41@bücher.example",
    "anna\uff20bücher\u3002example",
    "\u00a0anna@bücher.example ",
)


def test_of_many_who_register_one_address_at_once_one_gets_it(at: At, company: Company) -> None:
    together = Barrier(len(SPELLINGS))

    def apply(shop: httpx.Client, spelling: str) -> int:
        shop.get("/register")  # so that nobody is held up by a connection
        together.wait(timeout=30)
        return register(shop, email=spelling).status_code

    shops = [at("shop") for _ in SPELLINGS]
    with ThreadPoolExecutor(len(SPELLINGS)) as people:
        answers = sorted(people.map(apply, shops, SPELLINGS))

    assert answers == [303] + [409] * (len(SPELLINGS) - 1)
    with Session(company.shop_database) as session:
        [customer] = session.scalars(sa.select(Customer))
        assert customer.email == "anna@xn--bcher-kva.example"
        # And one letter, not one of each.
        assert session.scalar(sa.select(sa.func.count()).select_from(Email)) == 1


@pytest.mark.parametrize(
    "name", ["You won! http://evil.example", "Anna\r\nBcc: x", "\u202eannA", " \u3164 "]
)
def test_what_is_no_name_is_refused_at_registration(at: At, name: str) -> None:
    answer = register(at("shop"), name=name)

    assert answer.status_code == 422
    assert 'id="name-fault"' in answer.text


def test_faults_are_told_and_what_was_typed_stays(at: At, company: Company) -> None:
    answer = register(at("shop"), name="<b>Anna</b>", password="short")

    assert answer.status_code == 422
    assert 'href="#password"' in answer.text
    assert "&lt;b&gt;Anna&lt;/b&gt;" in answer.text
    assert "short" not in answer.text


def test_sign_in_does_not_tell_who_has_an_account(at: At, company: Company) -> None:
    register(at("shop"))
    shop = at("shop")
    wrong = shop.post("/sign-in", data={"email": "anna@example.com", "password": "not this"})
    unknown = shop.post("/sign-in", data={"email": "bert@example.com", "password": "not this"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("anna@", "bert@") == unknown.text


def test_signing_in_leads_to_where_one_wanted_to_go(at: At, company: Company) -> None:
    with Session(company.mes_database) as session:
        operator = OperatorFactory.create(session=session)
        email = operator.email
    mes = at("mes")
    asked = mes.get("/work/AT-7K3M9Q")
    assert asked.headers["location"] == "/sign-in?next=/work/AT-7K3M9Q"

    signed_in = mes.post(
        asked.headers["location"], data={"email": email.upper(), "password": PASSWORD}
    )

    assert signed_in.headers["location"] == "/work/AT-7K3M9Q"
    assert "HttpOnly" in signed_in.headers["set-cookie"]
    assert "SameSite=lax" in signed_in.headers["set-cookie"]
