"""Writes a letter: the words of its kind in the customer's language, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from atelier import company_time, security
from atelier.data.shop import Customer, Email, Order
from atelier.domain.delivery import Address as DeliveryAddress
from atelier.domain.delivery import lines
from atelier.domain.model_advice import advice
from atelier.domain.people import defused
from atelier.languages import PARAMETER, speaking
from atelier.languages.countries import country_name
from atelier.mail import kinds
from atelier.mail.kinds import Kind
from atelier.mail.languages import LABELS, money, name_of

_LINE = 78  # characters, as of RFC 5322
_WORDS = Path(__file__).parent / "words"
_PHRASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "greeting": "Dear {},",
            "greeting_to_anybody": "Hello,",
            "open_it": "Open the order",
            "confirm": "Confirm the address",
            "code": "Code",
            "new_password": "Choose a new password",
            "password_code": "Code for a new password",
            "farewell": "With kind regards",
        },
        "ru": {
            "greeting": "Здравствуйте, {}!",
            "greeting_to_anybody": "Здравствуйте!",
            "open_it": "Открыть заказ",
            "confirm": "Подтвердить адрес",
            "code": "Код",
            "new_password": "Задать новый пароль",
            "password_code": "Код для нового пароля",
            "farewell": "С наилучшими пожеланиями",
        },
    }
)


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_WORDS),
        # By the layout's name: the words themselves are plain, and escaped where they go into HTML.
        autoescape=lambda name: name == "letter.html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


_TEMPLATES = _environment()
for _name in _TEMPLATES.list_templates():
    _TEMPLATES.get_template(_name)  # compiled once: forked processes find it done


@dataclass(frozen=True)
class Letterhead:
    """Who writes; `shop` is the address of the shop's pages, where letters may link to them.
    `secret` signs the codes in letters about accounts; `zone` is where the company is."""

    sender: str
    shop: str | None = None
    secret: str = field(default="", repr=False)
    zone: str = "Europe/Moscow"

    @property
    def domain(self) -> str:
        return parseaddr(self.sender)[1].rpartition("@")[2]

    def link(self, path: str, language: str, query: str = "") -> str | None:
        """To a page of the shop, in the letter's language whatever browser opens it."""
        if self.shop is None:
            return None
        # The language comes first: careless programs read "&lang" as a bracket, the entity's name.
        return f"{self.shop}/{path}?{PARAMETER}={language}{'&' if query else ''}{query}"


def compose(email: Email, order: Order, customer: Customer, head: Letterhead) -> EmailMessage:
    """The letter `email` about `order`. Composed again it has the same Message-ID, so that whoever
    gets it twice can tell."""
    with speaking(customer.language):
        return _composed(email, order, customer, head)


def _composed(email: Email, order: Order, customer: Customer, head: Letterhead) -> EmailMessage:
    language = customer.language
    kind = Kind(email.kind)
    words = _TEMPLATES.get_template(f"{language}/{kind}.txt").render(
        number=order.number,
        reason=None if email.reason is None else defused(email.reason),
        advice=advice(order.failure_code),
    )
    subject, first, *rest = re.split(r"\n\s*\n", words.strip())
    phrases = _PHRASES[language]
    name = defused(customer.name)
    content = {
        "language": language,
        "subject": subject,
        "greeting": phrases["greeting"].format(name) if name else phrases["greeting_to_anybody"],
        "first": first,
        "facts": _facts(kind, order, language, head.zone),
        "code": None,
        "rest": rest,
        "address": head.link(f"orders/{order.number}", language),
        "open_it": phrases["open_it"],
        "farewell": phrases["farewell"],
    }
    return _message(email, _to(name, customer.email), content, head)


def compose_of_account(email: Email, customer: Customer, head: Letterhead) -> EmailMessage:
    """A letter about the account itself. It may go to somebody who has never heard of us, and so
    holds nothing of what was typed at registration but the address."""
    language = customer.language
    phrases = _PHRASES[language]
    match email.kind:
        case kinds.CONFIRMATION:
            code = security.confirmation_code(email.id, head.secret)
            path, name, act = "confirm", "code", "confirm"
        case kinds.PASSWORD:
            code = security.reset_code(customer.id, customer.password_hash, head.secret)
            path, name, act = "password/new", "password_code", "new_password"
        case other:
            raise ValueError(f"{other!r} is no letter about an account")
    link = head.link(path, language, f"code={code}")
    words = _TEMPLATES.get_template(f"{language}/{email.kind}.txt").render(link=link)
    subject, first, *rest = re.split(r"\n\s*\n", words.strip())
    content = {
        "language": language,
        "subject": subject,
        "greeting": phrases["greeting_to_anybody"],
        "first": first,
        "facts": [],
        "code": None if link else (phrases[name], code),
        "rest": rest,
        "address": link,
        "open_it": phrases[act],
        "farewell": phrases["farewell"],
    }
    return _message(email, Address(addr_spec=customer.email), content, head)


def _to(name: str, address: str) -> Address:
    """Without the name where it would need quotes and a second line: Python folds it without its
    quotes, and each comma in it would begin another address."""
    to = Address(name, addr_spec=address)
    quoted = str(to).startswith('"')
    return Address(addr_spec=address) if quoted and len(f"To: {to}") > _LINE else to


def _message(
    email: Email, to: Address, content: Mapping[str, object], head: Letterhead
) -> EmailMessage:
    message = EmailMessage(SMTP)
    message["From"] = head.sender
    message["To"] = to
    message["Subject"] = content["subject"]
    message["Date"] = format_datetime(email.created_at)
    message["Message-ID"] = f"<{email.id}@{head.domain}>"
    # No answering machine shall write back.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEMPLATES.get_template("letter.txt").render(content))
    message.add_alternative(_TEMPLATES.get_template("letter.html").render(content), subtype="html")
    # After the content, which brings such headers.
    message["Content-Language"] = content["language"]
    return message


def _facts(kind: Kind, order: Order, language: str, zone: str) -> Sequence[tuple[str, str]]:
    """The figures of a letter: what each is called and what it is."""
    facts: list[tuple[str, str]] = []
    match kind:
        case Kind.PRICE | Kind.SENT_BACK:
            facts = _breakdown(order, language)
        case Kind.APPROVAL | Kind.CANCELLATION_REFUSED if order.promised_at is not None:
            day = company_time.day(order.promised_at, zone)
            facts = [(LABELS[language]["promised"], day)]
        case Kind.SHIPPING if order.tracking_number is not None:
            facts = [(LABELS[language]["tracking"], defused(order.tracking_number))]
    if kind in (Kind.APPROVAL, Kind.SHIPPING) and order.address is not None:
        return [(LABELS[language]["address"], _in_one_line(order.address)), *facts]
    return facts


def _in_one_line(address: DeliveryAddress) -> str:
    """Nothing in it can be a link: it was looked at when it was typed."""
    return ", ".join([*lines(address), country_name(address.country)])


def _breakdown(order: Order, language: str) -> list[tuple[str, str]]:
    """What the price is made of, each part with what it is for, and the total."""
    parts = (
        ("metal", order.metal, order.metal_cost),
        ("making", None, order.making_cost),
        ("finish", order.finish, order.finish_cost),
        ("total", None, order.price),
    )
    return [
        (
            LABELS[language][part] + (f" ({name_of(what)})" if what else ""),
            money(amount),
        )
        for part, what, amount in parts
        if amount is not None
    ]
