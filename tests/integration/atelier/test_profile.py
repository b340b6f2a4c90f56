"""What customers change about their own accounts."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.data.shop import Customer
from fixtures.accounts import Account
from fixtures.company import Company
from fixtures.factories import PASSWORD

NEW = "two emeralds, please"


@pytest.fixture
def anna(company: Company) -> Account:
    return company.accounts.customer("Anna")


@pytest.fixture
def shop(company: Company, anna: Account) -> Iterator[httpx.Client]:
    """Anna at the shop."""
    with httpx.Client(base_url=company.sandbox.services["shop"], cookies=anna.cookies) as client:
        yield client


def customer(company: Company, account: Account) -> Customer:
    with Session(company.shop_database) as session:
        return session.scalars(sa.select(Customer).where(Customer.email == account.email)).one()


def change_password(shop: httpx.Client, old: str, new: str) -> httpx.Response:
    return shop.post("/account/password", data={"old-password": old, "new-password": new})


def test_name_and_language_are_kept(company: Company, shop: httpx.Client, anna: Account) -> None:
    answer = shop.post("/account", data={"name": " Анна ", "language": "ru"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account?saved=account")
    found = customer(company, anna)
    assert (found.name, found.language) == ("Анна", "ru")
    page = shop.get(answer.headers["location"]).text
    assert '<html lang="ru">' in page
    assert "Сохранено." in page
    assert 'value="ru" checked' in page


def test_the_browser_keeps_the_language_for_whoever_signs_out(shop: httpx.Client) -> None:
    shop.post("/account", data={"name": "Anna", "language": "ru"})
    shop.post("/sign-out")

    assert '<html lang="ru">' in shop.get("/").text


def test_a_name_is_needed_and_a_language_that_we_speak(
    company: Company, shop: httpx.Client, anna: Account
) -> None:
    answer = shop.post("/account", data={"name": "", "language": "tlh"})

    assert answer.status_code == 422
    assert 'href="#name"' in answer.text
    assert 'href="#language"' in answer.text
    assert customer(company, anna).language == "en"


def test_a_new_password_ends_all_other_sessions(shop: httpx.Client, anna: Account) -> None:
    with httpx.Client(base_url=shop.base_url, cookies=anna.cookies) as elsewhere:
        assert elsewhere.get("/orders").status_code == 200

        answer = change_password(shop, PASSWORD, NEW)

        assert answer.headers["location"] == "/account?saved=password"
        assert elsewhere.get("/orders").status_code == 303
    assert shop.get("/orders").status_code == 200
    with httpx.Client(base_url=shop.base_url) as again:
        for password, status in ((PASSWORD, 401), (NEW, 303)):
            entered = again.post("/sign-in", data={"email": anna.email, "password": password})
            assert entered.status_code == status


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("not this", NEW, "old-password"), (PASSWORD, "short", "new-password")],
)
def test_a_password_is_not_changed_by_whoever_does_not_know_it_nor_to_a_short_one(
    shop: httpx.Client, anna: Account, old: str, new: str, field: str
) -> None:
    answer = change_password(shop, old, new)

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert old not in answer.text
    with httpx.Client(base_url=shop.base_url) as again:
        entered = again.post("/sign-in", data={"email": anna.email, "password": PASSWORD})
        assert entered.status_code == 303
