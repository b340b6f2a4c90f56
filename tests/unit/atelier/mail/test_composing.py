from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID, uuid4

import pytest

from atelier.data.shop import Customer, Email, Order
from atelier.domain.delivery import Address
from atelier.domain.lifecycle import State
from atelier.languages import LANGUAGES
from atelier.mail.composing import Letterhead, compose
from atelier.mail.kinds import Kind

HEAD = Letterhead("Atelier <orders@atelier.example>", "https://shop.example")
ID = UUID("018f0000-0000-7000-8000-000000000001")
WRITTEN = datetime(2026, 3, 7, 9, 5, tzinfo=UTC)


def customer(language: str = "en", name: str = "Anna Petrova") -> Customer:
    return Customer(name=name, email="anna@example.com", language=language, password_hash="secret")


def order(**values: Any) -> Order:
    known: dict[str, Any] = {
        "number": "AT-7K3M9Q",
        "state": State.PRICE_CALCULATED,
        "metal": "gold-585",
        "finish": "satin",
        "price": Decimal("1234.50"),
        "metal_cost": Decimal("1100.00"),
        "making_cost": Decimal("113.50"),
        "finish_cost": Decimal("21.00"),
        "promised_at": datetime(2026, 3, 21, tzinfo=UTC),
        "tracking_number": "RR 1234 5678",
        "failure_code": "open-surface",
    }
    return Order(**{**known, **values})


def letter(
    kind: Kind, to: Customer, about: Order | None = None, reason: str | None = None
) -> EmailMessage:
    """As its reader gets it."""
    email = Email(id=ID, event_id=uuid4(), kind=kind, reason=reason, created_at=WRITTEN)
    sent = compose(email, about or order(), to, HEAD).as_bytes()
    received = message_from_bytes(sent, policy=default)
    assert isinstance(received, EmailMessage)
    return received


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def test_the_price_is_broken_down() -> None:
    message = letter(Kind.PRICE, customer())

    assert message["Subject"] == "Order AT-7K3M9Q: the price of your piece"
    assert message["To"] == "Anna Petrova <anna@example.com>"
    text = part(message, "plain").replace("\u00a0", " ")
    assert text.startswith("Dear Anna Petrova,\n")
    assert (
        "\n\nMetal (Gold 585): € 1,100.00\nMaking: € 113.50\nFinish (Satin): € 21.00\n"
        "Total: € 1,234.50\n\n" in text
    )
    assert text.endswith(
        "\n\nOpen the order: https://shop.example/orders/AT-7K3M9Q?lang=en\n\n"
        "With kind regards\nAtelier\n"
    )


@pytest.mark.parametrize("kind", [Kind.APPROVAL, Kind.SHIPPING])
@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "Delivery address: Anna Winter, Am Markt № 1, 04109 Leipzig, Germany"),
        ("ru", "Адрес доставки: Anna Winter, Am Markt № 1, 04109 Leipzig, Германия"),
    ],
    ids=["English", "Russian"],
)
def test_a_letter_says_where_the_piece_goes(kind: Kind, language: str, line: str) -> None:
    address = Address("Anna Winter", "Am Markt № 1", "DE", postal_code="04109", city="Leipzig")
    message = letter(kind, customer(language), order(address=address))
    assert f"\n{line}\n" in part(message, "plain")
    assert line.partition(": ")[2] in part(message, "html")


def test_russian_has_its_own_words_numbers_and_dates() -> None:
    reader = customer("ru", "Анна")

    message = letter(Kind.PRICE, reader)
    assert message["Subject"] == "Заказ AT-7K3M9Q: цена вашего украшения"
    assert message["Content-Language"] == "ru"
    text = part(message, "plain").replace("\u00a0", " ")
    assert text.startswith("Здравствуйте, Анна!\n")
    assert "\nМеталл (Золото 585): 1 100,00 €\n" in text
    assert "\nОтделка (Сатинированная): 21,00 €\nИтого: 1 234,50 €\n" in text
    approval = part(letter(Kind.APPROVAL, reader), "plain").replace("\u00a0", " ")
    assert "Отправим до: 21 марта 2026 г." in approval


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", Kind)
def test_every_letter_exists_in_every_language_as_text_and_as_html(
    kind: Kind, language: str
) -> None:
    message = letter(kind, customer(language), reason="The prongs are thin.")

    assert "AT-7K3M9Q" in message["Subject"]
    for body in (part(message, "plain"), part(message, "html")):
        assert f"https://shop.example/orders/AT-7K3M9Q?lang={language}" in body
        assert "{" not in body
        assert "\n\n\n" not in body
        assert "secret" not in body
    assert f'<html lang="{language}">' in part(message, "html")


def test_reasons_advice_and_tracking_number_are_told() -> None:
    back = part(letter(Kind.SENT_BACK, customer(), reason="The prongs are thin."), "plain")
    assert "\n\n“The prongs are thin.”\n\n" in back
    assert "“" not in part(letter(Kind.CANCELLATION, customer()), "plain")
    assert "has holes" in part(letter(Kind.PRICING_FAILED, customer()), "plain")
    assert "\nTracking number: RR 1234 5678\n" in part(letter(Kind.SHIPPING, customer()), "plain")
    without = letter(Kind.SHIPPING, customer(), order(tracking_number=None))
    assert "Tracking" not in part(without, "plain")


def test_what_people_wrote_is_no_html_and_no_header() -> None:
    to = customer(name="Anna <b>\r\nBcc: all@example.com")
    message = letter(Kind.SENT_BACK, to, reason="<script>1 < 2</script>")

    assert message["Bcc"] is None
    assert message["To"].addresses[0].addr_spec == "anna@example.com"
    html = part(message, "html")
    assert "<script>" not in html
    assert "&lt;script&gt;1 &lt; 2" in html
    assert "<script>1 < 2</script>" in part(message, "plain")


def test_composed_again_it_is_the_same_letter() -> None:
    [first, second] = [letter(Kind.PRICE, customer()) for _ in range(2)]

    assert first["Message-ID"] == second["Message-ID"] == f"<{ID}@atelier.example>"
    assert first["Date"] == second["Date"] == "Sat, 07 Mar 2026 09:05:00 +0000"
    assert first["Auto-Submitted"] == "auto-generated"


def test_without_an_address_of_the_shop_there_is_no_link() -> None:
    email = Email(id=ID, event_id=uuid4(), kind=Kind.PRICE, created_at=WRITTEN)
    message = compose(email, order(), customer(), Letterhead("Atelier <orders@atelier.example>"))
    assert "http" not in part(message, "plain")
    assert "href" not in part(message, "html")
