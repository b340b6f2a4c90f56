"""The shop in Russian: none of our messages is left in English, and figures are Russian ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier.data.shop import Customer, Order, OrderHistory
from atelier.domain.lifecycle import HAPPY_PATH, State
from atelier.domain.ring_design import Place, RingDesign, Seat
from fixtures.accounts import Account
from fixtures.company import Company
from fixtures.english_left import english_left

RUSSIAN = {"accept-language": "ru-RU,ru;q=0.9,en;q=0.8"}
NARROW = "width=1.5&stone=8&seat=bezel"
PROMISED = datetime(2026, 3, 7, 22, 5, tzinfo=UTC)
RING = RingDesign(seat=Seat.BEZEL, engraving="Анне ♥", place=Place.OUTSIDE)
MODEL = {"model_name": "кольцо.stl", "model_bytes": 190_384, "model_checksum": "0" * 64}
CHOSEN = {"metal": "gold-750", "finish": "satin"}
PRICED = {
    "price": Decimal("1234.50"),
    "metal_cost": Decimal("1000.00"),
    "making_cost": Decimal("213.50"),
    "finish_cost": Decimal("21.00"),
    "volume_mm3": Decimal("1592.123"),
    "weight_g": Decimal("24.598"),
}
WAYS: dict[str, tuple[list[State], dict[str, Any]]] = {
    state.value: (list(HAPPY_PATH[: HAPPY_PATH.index(state) + 1]), {}) for state in HAPPY_PATH
} | {
    "drawn": (list(HAPPY_PATH[:2]), {**CHOSEN, "design": RING}),
    "late": (list(HAPPY_PATH[:3]), {"updated_at": datetime.now(UTC) - timedelta(days=2)}),
    "failed": (
        [*HAPPY_PATH[:3], State.PRICING_FAILED],
        {"failure_code": "open-surface", "failure": "Дырка"},
    ),
    "sent back": ([*HAPPY_PATH[:5], State.PRICE_CALCULATED], {}),
    "cancelled": ([*HAPPY_PATH[:4], State.CANCELLED], {}),
    "being cancelled": (list(HAPPY_PATH[:6]), {"cancellation_requested_by": "customer:1"}),
    "being cancelled by us": (list(HAPPY_PATH[:6]), {"cancellation_requested_by": "seller:1"}),
    "not cancelled": (list(HAPPY_PATH[:8]), {"cancellation_refused_at": datetime.now(UTC)}),
}
OPERATOR = "Вера Верстакова"
ACTORS = ("customer:1", "customer:1", "customer:1", "pricing", "customer:1", "seller:1")


@pytest.fixture
def anna(company: Company) -> Account:
    return company.accounts.customer("Анна")


@pytest.fixture
def visitor(company: Company) -> Iterator[httpx.Client]:
    """Somebody with a Russian browser at the shop."""
    with httpx.Client(base_url=company.sandbox.services["shop"], headers=RUSSIAN) as client:
        yield client


@pytest.fixture
def customer(company: Company, anna: Account) -> Iterator[httpx.Client]:
    """Anna, who is signed in and has chosen Russian."""
    with Session(company.shop_database) as session, session.begin():
        session.execute(sa.update(Customer).values(language="ru"))
    with httpx.Client(base_url=company.sandbox.services["shop"], cookies=anna.cookies) as client:
        yield client


def with_order(company: Company, way: list[State], **values: Any) -> str:
    """The number of an order of Anna's that went this way."""
    with Session(company.shop_database) as session, session.begin():
        order = Order(
            id=uuid4(),
            number="AT-000777",
            customer_id=session.scalars(sa.select(Customer.id)).one(),
            state=way[-1],
            sequence=len(way),
            **values,
        )
        session.add(order)
        session.flush()
        session.add_all(_history(order.id, way))
        return order.number


def _history(order: UUID, way: list[State]) -> Iterator[OrderHistory]:
    for at, (before, after) in enumerate(zip([None, *way], way, strict=False)):
        actor = ACTORS[at] if at < len(ACTORS) else "operator:1"
        yield OrderHistory(
            order_id=order,
            sequence=at + 1,
            from_state=before,
            to_state=after,
            actor=actor,
            actor_name=OPERATOR if actor.startswith("operator") else None,
            event_id=uuid4(),
            occurred_at=PROMISED - timedelta(days=20 - at),
        )


def of_state(name: str) -> dict[str, Any]:
    """What an order of `WAYS` has by then."""
    way, values = WAYS[name]
    known: dict[str, Any] = dict(MODEL) if State.FILE_UPLOADED in way else {}
    if State.SUBMITTED in way:
        known |= CHOSEN
    if State.PRICE_CALCULATED in way:
        known |= PRICED
    if State.CONFIRMED in way:
        known |= {"promised_at": PROMISED, "design": RING}
    if State.SHIPPED in way:
        known["tracking_number"] = "RR 123 456 789 DE"
    return known | values


def assert_russian(answer: httpx.Response, status: int = 200) -> None:
    assert answer.status_code == status
    assert answer.headers["content-language"] == "ru"
    assert english_left(answer.text, "ru") == [], answer.request.url
    assert OPERATOR not in answer.text, "colleagues alone read who did what in the workshop"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/register",
        "/sign-in",
        "/designs",
        "/designs/aurora",
        "/designs/meridian",
        "/studio",
        "/studio?design=aurora&engraving=Анна",
        f"/studio?{NARROW}",
        f"/studio/estimate?{NARROW}",
        "/studio/estimate?seat=bezel",
        "/confirm",
        "/password/forgotten",
        "/password/new",
    ],
)
def test_a_visitor_reads_russian(visitor: httpx.Client, path: str) -> None:
    assert_russian(visitor.get(path))


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/register", {"name": "Анна", "email": "anna@example.com", "password": "-"}, 422),
        ("/studio/order", {"metal": "tin", "finish": "rough"}, 422),
        ("/confirm", {"code": "not one of ours"}, 422),
        ("/password/forgotten", {"email": "anna@example.com"}, 200),
        ("/password/new", {"code": "not one of ours", "new-password": "-"}, 422),
    ],
    ids=["register", "studio", "confirm", "forgotten", "new-password"],
)
def test_a_visitor_is_refused_and_told_in_russian(
    visitor: httpx.Client, path: str, fields: dict[str, str], status: int
) -> None:
    assert_russian(visitor.post(path, data=fields), status)


def test_a_customer_reads_russian(company: Company, customer: httpx.Client) -> None:
    assert_russian(customer.get("/orders"))
    assert_russian(customer.get("/account?saved=account"))
    refused = customer.post("/account/password", data={"old-password": "-", "new-password": "-"})
    assert_russian(refused, 422)
    assert_russian(customer.post("/account", data={"name": "Анна", "language": "tlh"}), 422)
    with Session(company.shop_database) as session, session.begin():
        session.execute(sa.update(Customer).values(confirmed_at=None))
    assert_russian(customer.get("/orders"))
    assert_russian(customer.get("/account?saved=confirmation"))


@pytest.mark.parametrize("name", WAYS)
def test_an_order_is_told_in_russian(company: Company, customer: httpx.Client, name: str) -> None:
    number = with_order(company, WAYS[name][0], **of_state(name))

    assert_russian(customer.get("/orders"))
    assert_russian(customer.get(f"/orders/{number}"))
    page = customer.get(f"/orders/{number}/cancel")
    assert_russian(page, page.status_code)
    for act in ("submit", "confirm", "model"):
        refused = customer.post(f"/orders/{number}/{act}")
        if refused.status_code >= 400:
            assert_russian(refused, refused.status_code)


def test_figures_are_russian(company: Company, customer: httpx.Client) -> None:
    number = with_order(company, WAYS["SHIPPED"][0], **of_state("SHIPPED"))

    page = customer.get(f"/orders/{number}").text

    assert '1\u00a0234,50\u00a0<span class="price__currency">€</span></output>' in page
    for told in (
        "1\u00a0000,00\u00a0€",
        "24,598 г",
        "1\u00a0592,123 мм³",
        "186 КБ",
        "8 марта 2026\u00a0г.",
        "(Москва)",
        "ширина 4,0&nbsp;мм, толщина 1,8&nbsp;мм",
    ):
        assert told in page
    with httpx.Client(base_url=customer.base_url, cookies=customer.cookies) as client:
        client.post("/language", data={"language": "en", "next": "/orders"})
        english = client.get(f"/orders/{number}").text
    assert '<span class="price__currency">€</span> 1,234.50</output>' in english
    assert "1,592.123 mm³" in english


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("1", "В пароле 1 символ,"),
        ("123", "В пароле 3 символа,"),
        ("12345", "В пароле 5 символов,"),
    ],
    ids=["one", "few", "many"],
)
def test_plurals_are_russian(visitor: httpx.Client, password: str, told: str) -> None:
    fields = {"name": "Анна", "email": "anna@example.com", "password": password}

    assert told in visitor.post("/register", data=fields).text


def test_english_that_is_left_is_found(visitor: httpx.Client) -> None:
    page = visitor.get("/register", headers={"accept-language": "en"}).text

    assert {"Your name", "Create account", "At least 10 characters."} <= set(
        english_left(page, "ru")
    )
