"""The links of letters about accounts, from signing up to the page that thanks."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from atelier.languages import gettext, speaking
from fixtures.factories import PASSWORD
from fixtures.letters import Letter
from fixtures.mailbox import Mailbox
from tests.integration.atelier.platform_process import running
from touchstone.backing.programs import free_ports
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

NEW = "two emeralds, please"
CONFIRMED = "This address is confirmed."
TO_CONFIRM = "Please confirm your address with it; until then our letters about your orders wait."
LINK = re.compile(r"https?://\S+")
OTHER = {"en": "ru", "ru": "en"}

Shop = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def shop(bare_sandbox: Sandbox, mailbox: Mailbox, tmp_path: Path) -> Shop:
    """The shop's address while it runs; it sends to the mailbox, and may know its own address."""

    @contextmanager
    def shop(*, knows_its_address: bool, slash: str = "") -> Iterator[str]:
        [port] = free_ports(1)
        address = f"http://127.0.0.1:{port}"
        known = {"ATELIER_SHOP_ADDRESS": address + slash} if knows_its_address else {}
        settings = {
            "ATELIER_MAIL": mailbox.url,
            "ATELIER_PORT_SHOP": str(port),
            **known,
        }
        with running(bare_sandbox, tmp_path, "shop", **settings):
            yield address

    return shop


def signed_up(address: str, mailbox: Mailbox, language: str) -> tuple[httpx.Client, Letter]:
    """Somebody who has an account now, and the letter that they get."""
    client = httpx.Client(base_url=address, headers={"Accept-Language": language})
    given = {"name": "Anna", "email": "Anna@Example.org", "password": PASSWORD}
    assert client.post("/register", data=given).status_code == 303
    [letter] = eventually(lambda: mailbox.letters)
    return client, letter


def is_confirmed(client: httpx.Client) -> bool:
    page = client.get("/account").text
    assert tells(page, CONFIRMED) != tells(page, TO_CONFIRM)
    return tells(page, CONFIRMED)


def tells(page: str, message: str) -> bool:
    """Whether a page tells a message in the language that it is in."""
    with speaking(spoken(page)):
        return html.escape(gettext(message)) in page


def spoken(page: str) -> str:
    """The language that a page is in."""
    said = re.search(r'<html lang="(\w+)">', page)
    assert said is not None
    return said[1]


def link_of(letter: Letter) -> str:
    """The one link of a letter, which its text and its HTML have alike."""
    [link] = LINK.findall(letter.text)
    assert re.findall(r'href="([^"]*)"', letter.html) == [html.escape(link)]
    return str(link)


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the form that confirms is sent, and what it would send as it is."""
    form = re.search(r'<form[^>]*method="post" action="(/confirm)".*?</form>', page, re.DOTALL)
    assert form is not None
    fields = re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', form[0])
    return form[1], {name: html.unescape(value) for name, value in fields}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_link_of_the_letter_confirms_the_account(
    shop: Shop, mailbox: Mailbox, language: str, slash: str
) -> None:
    with shop(knows_its_address=True, slash=slash) as address:
        client, letter = signed_up(address, mailbox, language)
        link = link_of(letter)
        assert link.startswith(f"{address}/confirm?lang={language}&code=")
        assert (letter.to, letter.language, letter.code) == ("anna@example.org", language, "")
        assert not re.search(r"\bcode\b(?!=)|\bкод", letter.words.replace(link, ""), re.IGNORECASE)

        # Opened where nobody is signed in, as on a telephone, or by a program that reads letters.
        with httpx.Client(headers={"Accept-Language": OTHER[language]}) as telephone:
            opened = telephone.get(link)
            assert opened.status_code == 200
            assert spoken(opened.text) == language
            assert not is_confirmed(client)
            assert not tells(client.get("/account").text, "Enter the code")
            assert not tells(opened.text, "Code from our letter")
            action, fields = form_of(opened.text)
            assert fields == {"code": parse_qs(urlsplit(link).query)["code"][0]}
            done = telephone.post(f"{address}{action}", data=fields)
            again = telephone.post(f"{address}{action}", data=fields)

        assert done.status_code == 200
        assert spoken(done.text) == language
        assert tells(done.text, "Your address is confirmed")
        assert again.status_code == 410
        assert tells(again.text, "The address is confirmed, and there is nothing left to do.")
        assert 'action="/confirm"' not in again.text
        assert is_confirmed(client)
        client.close()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_without_an_address_of_the_shop_the_code_of_the_letter_confirms_the_account(
    shop: Shop, mailbox: Mailbox, language: str
) -> None:
    with shop(knows_its_address=False) as address:
        client, letter = signed_up(address, mailbox, language)
        assert not LINK.search(letter.text)
        assert "href" not in letter.html
        assert not re.search(r"\blink|ссылк", letter.words, re.IGNORECASE)
        assert f">{letter.code}<" in letter.html

        [to_enter_it] = set(re.findall(r'href="(/confirm)"', client.get("/account").text))
        action, fields = form_of(client.get(to_enter_it).text)
        assert fields == {"code": ""}
        wrong = client.post(action, data={"code": f"{letter.code}x"})
        assert wrong.status_code == 422
        assert 'role="alert"' in wrong.text
        assert not is_confirmed(client)
        # As it comes out of a letter that was copied.
        done = client.post(action, data={"code": f" {letter.code}\u00a0\n"})

        assert done.status_code == 200
        assert tells(done.text, "Your address is confirmed")
        assert is_confirmed(client)
        client.close()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_link_to_a_new_password_confirms_the_address_too(
    shop: Shop, mailbox: Mailbox, language: str
) -> None:
    with shop(knows_its_address=True) as address:
        client, first = signed_up(address, mailbox, language)
        asked = client.post("/password/forgotten", data={"email": first.to})
        assert tells(asked.text, "Look into your mail")
        [letter] = eventually(lambda: [one for one in mailbox.letters if one.id != first.id])
        link = link_of(letter)
        assert link.startswith(f"{address}/password/new?lang={language}&code=")
        assert (letter.to, letter.language, letter.password_code) == (first.to, language, "")
        assert "Anna" not in letter.words

        with httpx.Client(headers={"Accept-Language": OTHER[language]}) as telephone:
            assert spoken(telephone.get(link).text) == language
        code = link.partition("code=")[2]
        # Opened by a program that reads letters it changes nothing.
        for _ in range(2):
            opened = client.get(link)
            assert opened.status_code == 200
            assert f'value="{code}"' in opened.text
        assert tells(client.get("/account").text, TO_CONFIRM)
        done = client.post("/password/new", data={"code": code, "new-password": NEW})

        assert 'href="/account"' not in done.text, "is not signed in any more"
        assert client.post("/sign-in", data={"email": first.to, "password": NEW}).is_redirect
        assert tells(client.get("/account").text, CONFIRMED)
        client.close()
