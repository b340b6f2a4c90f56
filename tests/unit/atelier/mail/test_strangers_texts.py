"""Whatever a stranger may have typed, no letter makes a link or a second line of it."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_type_hints
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Mapper

import atelier
import atelier.mail
from atelier.data.shop import Customer, Email, Order
from atelier.domain.lifecycle import State
from atelier.languages import LANGUAGES
from atelier.mail import composing
from atelier.mail.composing import Letterhead
from atelier.mail.kinds import OF_ACCOUNTS, Kind
from tests.unit.atelier.domain.links import is_linked

SHOP: Final = "https://shop.example"
MARK: Final = "Zvonimir"
STRANGE: Final = (
    f"You won, {MARK}!\r\nBcc: all@evil.example\u2028\u202e https://evil.example/{MARK} "
    f"www.evil.example evil\u3002example anna\uff20evil.example \x1b[31m 10.0.0.1 <b>{MARK}</b>\n\n"
    f"mailto:{MARK}"
)

OURS_TO_OPEN: Final = re.compile(
    rf"{re.escape(SHOP)}/\S*|[\w-]{{22}}\.[\w-]{{27}}|[\w-]{{40}}\.[\w-]{{6}}\.[\w-]{{27}}"
)
OURS: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        Customer: frozenset({"email", "language", "password_hash"}),
        Email: frozenset({"kind", "fault"}),
        Order: frozenset({"number", "metal", "finish", "model_checksum", "state", "failure_code"}),
    }
)
"""The texts that we make or have checked. All others are a stranger's, those of new columns too."""


def strange(of: type, text: str, **known: object) -> Any:
    """A row each of whose texts is a stranger's, unless it is `OURS`."""
    mapper: Mapper[Any] = sa.inspect(of)
    columns = mapper.columns
    texts = {column.key for column in columns if isinstance(column.type, sa.String)}
    return of(**dict.fromkeys(texts - OURS[of], text), **known)


def composers() -> dict[str, Callable[..., EmailMessage]]:
    """All that write letters: whatever in `atelier.mail` gives an e-mail back."""
    found: dict[str, Callable[..., EmailMessage]] = {}
    for module in pkgutil.iter_modules(atelier.mail.__path__, "atelier.mail."):
        names = vars(importlib.import_module(module.name))
        for name, one in names.items():
            if (
                inspect.isfunction(one)
                and one.__module__ == module.name
                and not name.startswith("_")
                and get_type_hints(one).get("return") is EmailMessage
            ):
                found[name] = one
    return found


def letter(kind: str, language: str, text: str, shop: str | None = SHOP) -> EmailMessage:
    """As its reader gets it, from whichever function writes letters of this kind."""
    given = {
        Email: strange(
            Email,
            text,
            id=uuid4(),
            kind=kind,
            created_at=datetime(2026, 3, 7, tzinfo=UTC),
        ),
        Order: strange(
            Order,
            text,
            number="AT-7K3M9Q",
            state=State.PRICE_CALCULATED,
            metal="gold-585",
            finish="satin",
            failure_code="open-surface",
            price=Decimal(3),
            metal_cost=Decimal(1),
            making_cost=Decimal(1),
            finish_cost=Decimal(1),
            promised_at=datetime(2026, 3, 21, tzinfo=UTC),
        ),
        Customer: strange(
            Customer,
            text,
            id=uuid4(),
            email="anna@example.com",
            language=language,
            password_hash="a hash",
        ),
        Letterhead: Letterhead("Atelier <orders@atelier.example>", shop, "a secret"),
    }
    compose = composers()["compose_of_account" if kind in OF_ACCOUNTS else "compose"]
    wanted = get_type_hints(compose)
    sent = compose(**{name: given[of] for name, of in wanted.items() if name != "return"})
    received = message_from_bytes(sent.as_bytes(), policy=default)
    assert isinstance(received, EmailMessage)
    return received


class Seen(HTMLParser):
    """The texts of a page, and where its links go."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str | None] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]


def readable(message: EmailMessage) -> Iterator[str]:
    """Each line that a reader sees, without the links and codes that are ours."""
    yield str(message["Subject"])
    [to] = message["To"].addresses
    yield to.display_name
    for part in message.walk():
        if part.get_content_maintype() == "multipart":
            continue
        content = part.get_content()
        if part.get_content_subtype() == "html":
            seen = Seen(content)
            assert all((link or "").startswith(f"{SHOP}/") for link in seen.links)
            content = "\n".join(seen.texts)
        yield from re.sub(OURS_TO_OPEN, "", content).splitlines()


def assert_harmless(message: EmailMessage) -> None:
    assert message["Bcc"] is None
    assert [one.addr_spec for one in message["To"].addresses] == ["anna@example.com"]
    for line in readable(message):
        assert not is_linked(line), line
        assert not [one for one in line if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp")]


@pytest.mark.parametrize("shop", [SHOP, None], ids=["with links", "without links"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*Kind, *OF_ACCOUNTS])
def test_every_letter_defuses_every_text_of_a_stranger(
    kind: str, language: str, shop: str | None
) -> None:
    message = letter(kind, language, STRANGE, shop)

    assert_harmless(message)
    told = any(MARK in line for line in readable(message))
    # Or the test would see nothing where there is nothing to see.
    assert told is (kind not in OF_ACCOUNTS)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(max_size=60),
    kind=st.sampled_from([*Kind]),
    language=st.sampled_from(["en", "ru"]),
)
def test_a_letter_is_composed_whatever_was_typed(text: str, kind: Kind, language: str) -> None:
    assert_harmless(letter(kind, language, text))


@pytest.mark.parametrize(("language", "greeting"), [("en", "Hello,"), ("ru", "Здравствуйте!")])
def test_whoever_has_no_name_left_is_greeted_without_one(language: str, greeting: str) -> None:
    body = letter(Kind.PRICE, language, "\u200b\u202e").get_body(("plain",))
    assert body is not None
    assert body.get_content().startswith(greeting)


def test_every_letter_is_known_here() -> None:
    """Who adds a way to write letters has to let this file write one."""
    assert set(composers()) == {"compose", "compose_of_account"}
    words = Path(composing.__file__).parent / "words"
    for language in LANGUAGES:
        assert {file.stem for file in (words / language).iterdir()} == {*Kind, *OF_ACCOUNTS}


def test_letters_are_made_in_one_module() -> None:
    makers = set()
    for path in Path(atelier.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                    if name in ("EmailMessage", "MIMEText", "MIMEMultipart", "MIMEBase"):
                        makers.add(path.name)
    assert makers == {"composing.py"}
