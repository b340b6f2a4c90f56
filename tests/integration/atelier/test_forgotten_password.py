"""A new password by a letter: from the sign-in to the page that says it is done."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.data.shop import Customer, Email
from atelier.mail.kinds import PASSWORD as KIND
from atelier.security import reset_code
from atelier.web.throttling import ATTEMPTS
from fixtures.accounts import Account
from fixtures.company import Company
from fixtures.factories import PASSWORD
from fixtures.letters import letters_kept
from touchstone.waiting import eventually

NEW = "two emeralds, please"


@pytest.fixture
def anna(company: Company) -> Account:
    return company.accounts.customer("Anna")


@pytest.fixture
def visitor(company: Company) -> Iterator[httpx.Client]:
    """Somebody at the shop who is not signed in."""
    with httpx.Client(base_url=company.sandbox.services["shop"]) as client:
        yield client


def asks(visitor: httpx.Client, email: str) -> httpx.Response:
    return visitor.post("/password/forgotten", data={"email": email})


def chooses(visitor: httpx.Client, code: str, password: str = NEW) -> httpx.Response:
    return visitor.post("/password/new", data={"code": code, "new-password": password})


def signs_in(visitor: httpx.Client, email: str, password: str) -> int:
    return visitor.post("/sign-in", data={"email": email, "password": password}).status_code


def code_sent(company: Company, to: str) -> str:
    codes = eventually(
        lambda: [
            one.password_code
            for one in letters_kept(company.sandbox)
            if one.to == to and one.password_code
        ]
    )
    return codes[-1]


def asked_for(company: Company) -> int:
    with Session(company.shop_database) as session:
        count = sa.select(sa.func.count()).select_from(Email).where(Email.kind == KIND)
        return session.scalars(count).one()


def test_a_letter_brings_a_new_password_once_and_all_sessions_end(
    company: Company, anna: Account, visitor: httpx.Client
) -> None:
    for _ in range(ATTEMPTS + 1):
        refused = signs_in(visitor, anna.email, "a guess")
    assert refused == 429
    assert 'href="/password/forgotten"' in visitor.get("/sign-in").text
    assert asks(visitor, f" {anna.email.upper()} ").status_code == 200
    code = code_sent(company, anna.email)

    short = chooses(visitor, code, "short")
    done = chooses(visitor, code)
    again = chooses(visitor, code)

    assert short.status_code == 422
    assert 'href="#new-password"' in short.text
    assert code in short.text
    assert done.status_code == 200
    assert "Your password is changed" in done.text
    assert again.status_code == 410
    assert 'href="/password/forgotten"' in again.text
    assert visitor.get("/password/new", params={"code": code}).status_code == 410
    with httpx.Client(base_url=visitor.base_url, cookies=anna.cookies) as elsewhere:
        assert elsewhere.get("/orders").status_code == 303
    assert signs_in(visitor, anna.email, PASSWORD) == 401
    assert signs_in(visitor, anna.email, NEW) == 303


def test_a_password_that_was_changed_otherwise_ends_the_code(
    company: Company, anna: Account, visitor: httpx.Client
) -> None:
    asks(visitor, anna.email)
    code = code_sent(company, anna.email)
    assert visitor.get("/password/new", params={"code": code}).status_code == 200

    with httpx.Client(base_url=visitor.base_url, cookies=anna.cookies) as signed_in:
        given = {"old-password": PASSWORD, "new-password": NEW}
        assert signed_in.post("/account/password", data=given).status_code == 303

    assert chooses(visitor, code, "three rubies, please").status_code == 410
    assert signs_in(visitor, anna.email, NEW) == 303


def test_nobody_is_told_whether_an_account_exists(
    company: Company, anna: Account, visitor: httpx.Client
) -> None:
    unknown = "nobody@example.org"
    told = [asks(visitor, email) for email in (anna.email, unknown)]

    assert [answer.status_code for answer in told] == [200, 200]
    assert told[0].text.replace(anna.email, "") == told[1].text.replace(unknown, "")
    assert eventually(lambda: asked_for(company)) == 1
    assert asks(visitor, "no address").status_code == 422


def test_the_answer_does_not_wait_for_what_only_an_account_makes_necessary(
    company: Company, anna: Account, visitor: httpx.Client
) -> None:
    with Session(company.shop_database) as session:
        session.scalars(
            sa.select(Customer).where(Customer.email == anna.email).with_for_update()
        ).one()
        # The letter cannot be written down while the account is locked.
        assert asks(visitor, anna.email).status_code == 200
        assert asked_for(company) == 0
    assert eventually(lambda: asked_for(company)) == 1


@pytest.mark.parametrize(
    "code",
    ["", "nonsense", reset_code(uuid4(), "x", "another secret")],
    ids=["nothing", "nonsense", "of another secret"],
)
def test_what_is_no_code_is_refused(visitor: httpx.Client, code: str) -> None:
    answer = chooses(visitor, code)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    # By a link it is no other, and there is a place to type the right one.
    opened = visitor.get("/password/new", params={"code": code})
    assert opened.status_code == (422 if code else 200)
    assert "Code from our letter" in opened.text
