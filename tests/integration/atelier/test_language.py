"""Which language a page is in, and how somebody chooses another."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from fixtures.company import Company

RUSSIAN = {"accept-language": "ru-RU,ru;q=0.9,en;q=0.8"}


def spoken(answer: httpx.Response) -> str:
    """The language that a page says it is in; what it says in the head and in itself is one."""
    language = answer.headers["content-language"]
    assert f'<html lang="{language}">' in answer.text
    return language


@pytest.fixture(params=["shop", "crm", "mes"])
def visitor(request: pytest.FixtureRequest, company: Company) -> Iterator[httpx.Client]:
    """Somebody who has not signed in, at one of the services that have pages."""
    address = company.sandbox.services[request.param]
    with httpx.Client(base_url=address, follow_redirects=True) as client:
        yield client


class TestWhoHasNotSignedIn:
    @pytest.mark.parametrize(
        ("wanted", "language"),
        [
            ("ru", "ru"),
            ("de-DE,de;q=0.9,RU-ru;q=0.3,en;q=0.2", "ru"),
            ("ru;q=0,en;q=0.1", "en"),
            ("ru;q=none", "en"),
            ("tlh", "en"),
            ("", "en"),
        ],
        ids=["russian", "after german", "not russian", "no weight", "none of ours", "nothing"],
    )
    def test_gets_what_the_browser_asks_for(
        self, visitor: httpx.Client, wanted: str, language: str
    ) -> None:
        answer = visitor.get("/sign-in", headers={"accept-language": wanted})

        assert spoken(answer) == language

    def test_chooses_another_and_stays_on_the_page(self, visitor: httpx.Client) -> None:
        answer = visitor.post(
            "/language", data={"language": "ru", "next": "/sign-in?next=/elsewhere"}
        )

        assert (answer.request.method, answer.url.path) == ("GET", "/sign-in")
        assert answer.url.params["next"] == "/elsewhere"
        assert spoken(answer) == "ru"
        assert spoken(visitor.get("/sign-in", headers={"accept-language": "en"})) == "ru"

    def test_cannot_be_led_elsewhere(self, company: Company) -> None:
        shop = company.sandbox.services["shop"]
        answer = httpx.post(
            f"{shop}/language", data={"language": "ru", "next": "//elsewhere.example"}
        )

        assert (answer.status_code, answer.headers["location"]) == (303, "/orders")

    def test_is_told_of_a_language_that_we_do_not_speak(self, visitor: httpx.Client) -> None:
        answer = visitor.post("/language", data={"language": "tlh"}, headers=RUSSIAN)

        assert answer.status_code == 422
        assert "На этом языке мы не говорим" in answer.text


class TestWhoComesByALink:
    """As those of letters are."""

    def test_reads_its_language_from_then_on(self, visitor: httpx.Client) -> None:
        for language, another in (("ru", "en"), ("en", "ru")):
            wanted = {"accept-language": another}
            assert spoken(visitor.get(f"/sign-in?lang={language}", headers=wanted)) == language
            assert spoken(visitor.get("/sign-in", headers=wanted)) == language

    def test_may_choose_another_there(self, visitor: httpx.Client) -> None:
        opened = visitor.get("/sign-in?lang=ru&next=/elsewhere")
        [back] = set(re.findall(r'name="next" value="(/sign-in[^"]*)"', opened.text))

        chosen = visitor.post("/language", data={"language": "en", "next": back})

        assert spoken(chosen) == "en"
        assert dict(chosen.url.params) == {"next": "/elsewhere"}

    def test_signs_in_in_its_language(self, company: Company) -> None:
        shop = company.sandbox.services["shop"]
        with httpx.Client(base_url=shop, follow_redirects=True) as browser:
            opened = browser.get("/orders/AT-7K3M9Q?lang=ru&seen=7")

        assert spoken(opened) == "ru"
        assert opened.url.params["next"] == "/orders/AT-7K3M9Q?seen=7"

    @pytest.mark.parametrize(
        "asked",
        ["tlh", "", "ru%0d%0aSet-Cookie:a=b", "//ru.example"],
        ids=["another", "none", "a header", "a site"],
    )
    def test_a_language_that_we_do_not_speak_counts_for_nothing(
        self, visitor: httpx.Client, asked: str
    ) -> None:
        answer = visitor.get(f"/sign-in?lang={asked}", headers=RUSSIAN)

        assert (answer.url.path, spoken(answer)) == ("/sign-in", "ru")
        assert "set-cookie" not in answer.headers

    def test_what_everybody_may_keep_brings_no_cookie(self, visitor: httpx.Client) -> None:
        answer = visitor.get("/static/atelier.css?lang=ru")

        assert answer.headers["cache-control"].startswith("public")
        assert "set-cookie" not in answer.headers

    def test_reads_the_account_s_where_it_is_another_one(self, company: Company) -> None:
        shop = company.sandbox.services["shop"]
        anna = company.accounts.customer("Anna")

        with httpx.Client(base_url=shop, cookies=anna.cookies, headers=RUSSIAN) as browser:
            answer = browser.get("/orders?lang=ru")

        assert spoken(answer) == "en"
        assert "set-cookie" not in answer.headers, "the browser speaks as it did before"


class TestWhoHasSignedIn:
    def test_gets_the_account_s_language_in_any_browser(self, company: Company) -> None:
        shop = company.sandbox.services["shop"]
        anna = company.accounts.customer("Anna")

        with httpx.Client(base_url=shop, cookies=anna.cookies, headers=RUSSIAN) as browser:
            assert spoken(browser.get("/account")) == "en"
            browser.post("/language", data={"language": "ru", "next": "/account"})
        with httpx.Client(base_url=shop, cookies=anna.cookies) as another:
            assert spoken(another.get("/account")) == "ru"

    @pytest.mark.parametrize(("service", "page"), [("crm", "/orders"), ("mes", "/work")])
    def test_our_people_get_the_browser_s_until_they_choose(
        self, company: Company, service: str, page: str
    ) -> None:
        person = (
            company.accounts.seller("Boris")
            if service == "crm"
            else company.accounts.operator("Olga")
        )
        address = company.sandbox.services[service]

        with httpx.Client(base_url=address, cookies=person.cookies, headers=RUSSIAN) as browser:
            assert spoken(browser.get(page)) == "ru"
            browser.post("/language", data={"language": "en", "next": page})
            assert spoken(browser.get(page)) == "en"
        with httpx.Client(base_url=address, cookies=person.cookies, headers=RUSSIAN) as another:
            assert spoken(another.get(page)) == "en"


def test_a_program_decides_by_a_code_in_any_language(company: Company) -> None:
    crm = company.sandbox.services["crm"]

    english, russian = (
        httpx.get(f"{crm}/api/orders", headers=headers) for headers in ({}, RUSSIAN)
    )

    assert english.json()["code"] == russian.json()["code"] == "sign-in-required"
    assert english.json()["type"] == russian.json()["type"]
    assert russian.json()["title"] == "Сначала войдите"
    assert russian.headers["content-language"] == "ru"
