"""Sessions: their cookies, their end, and how often somebody may try to begin one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from atelier.web.throttling import ATTEMPTS
from fixtures.accounts import Account
from fixtures.company import Company
from fixtures.factories import PASSWORD


@pytest.fixture
def anna(company: Company) -> Account:
    return company.accounts.customer("Anna")


@pytest.fixture
def shop(company: Company) -> Iterator[httpx.Client]:
    """Somebody at the shop who is not signed in."""
    with httpx.Client(base_url=company.sandbox.services["shop"]) as client:
        yield client


def sign_in(shop: httpx.Client, email: str, password: str = PASSWORD) -> httpx.Response:
    return shop.post("/sign-in", data={"email": email, "password": password})


def is_signed_in(shop: httpx.Client) -> bool:
    return shop.get("/orders").status_code == 200


def test_signing_out_ends_every_session_of_the_account(shop: httpx.Client, anna: Account) -> None:
    sign_in(shop, anna.email)
    with httpx.Client(base_url=shop.base_url, cookies=dict(shop.cookies)) as thief:
        assert is_signed_in(shop)
        assert is_signed_in(thief)

        assert shop.post("/sign-out").headers["location"] == "/"

        assert not is_signed_in(shop)
        assert not is_signed_in(thief)
    sign_in(shop, anna.email)
    assert is_signed_in(shop)


def test_nobody_signs_others_out(company: Company, shop: httpx.Client, anna: Account) -> None:
    sign_in(shop, anna.email)
    daria = company.accounts.customer("Daria")
    for cookies in ({}, daria.cookies):
        with httpx.Client(base_url=shop.base_url, cookies=cookies) as other:
            other.post("/sign-out")

    assert is_signed_in(shop)


@pytest.mark.parametrize(("proxied", "secure"), [("https", True), ("http", False)])
def test_a_session_is_kept_from_scripts_and_other_sites(
    shop: httpx.Client, anna: Account, proxied: str, secure: bool
) -> None:
    answer = shop.post(
        "/sign-in",
        data={"email": anna.email, "password": PASSWORD},
        headers={"X-Forwarded-Proto": proxied},
    )

    flags = answer.headers["set-cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(flags)
    assert ("Secure" in flags) is secure


def test_too_many_wrong_passwords_are_refused_and_then_the_right_one_too(
    shop: httpx.Client, company: Company, anna: Account
) -> None:
    for _ in range(ATTEMPTS):
        assert sign_in(shop, anna.email, "not the password").status_code == 401

    refused = sign_in(shop, anna.email)

    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 15 * 60
    assert "Too many attempts" in refused.text
    # Another account at the same address, and another service, are counted by themselves.
    daria = company.accounts.customer("Daria")
    assert sign_in(shop, daria.email).status_code == 303
    seller = company.accounts.seller("Boris")
    with httpx.Client(base_url=company.sandbox.services["crm"]) as desk:
        assert sign_in(desk, seller.email).status_code == 303


def test_the_right_password_starts_the_count_anew(shop: httpx.Client, anna: Account) -> None:
    for _ in range(2):
        for _ in range(ATTEMPTS - 1):
            sign_in(shop, anna.email, "not the password")
        assert sign_in(shop, anna.email).status_code == 303
