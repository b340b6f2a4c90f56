"""Who gets in where: every route of every service, asked by everybody.

A route that is not in `ROUTES` fails here: say who may use it. Also, on the same answers: each has
the security headers, and no page has a script or a style of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import httpx
import pytest

from atelier.services import SERVICES
from fixtures.company import Company
from fixtures.routes import applications, routes_of
from tests.integration.atelier.every_route import path_of, what_there_is
from touchstone.sandbox import Sandbox

PEOPLE: Final = (
    "anonymous",
    "customer",
    "another customer",
    "partner",
    "another partner",
    "seller",
    "operator",
)
EVERYBODY: Final = frozenset(PEOPLE)
CUSTOMERS: Final = frozenset({"customer", "another customer"})
OWNER: Final = frozenset({"customer"})
PARTNERS: Final = frozenset({"partner", "another partner"})
THE_PARTNER: Final = frozenset({"partner"})
SELLERS: Final = frozenset({"seller"})
OPERATORS: Final = frozenset({"operator"})

# The words in braces are filled in from `VALUES`.
ROUTES: Final[Mapping[str, frozenset[str]]] = {
    **{
        f"{service} GET {path}": EVERYBODY
        for service in SERVICES
        for path in ("/health/live", "/health/ready", "/metrics")
    },
    **{f"{service} GET /static": EVERYBODY for service in ("shop", "crm", "mes", "partner")},
    **{
        f"{service} {method} {path}": EVERYBODY
        for service in ("shop", "crm", "mes")
        for method, path in (
            ("GET", "/sign-in"),
            ("POST", "/sign-in"),
            ("POST", "/sign-out"),
            ("POST", "/language"),
        )
    },
    "shop GET /": EVERYBODY,
    "shop GET /register": EVERYBODY,
    "shop POST /register": EVERYBODY,
    "shop GET /confirm": EVERYBODY,
    "shop POST /confirm": EVERYBODY,
    "shop GET /password/forgotten": EVERYBODY,
    "shop POST /password/forgotten": EVERYBODY,
    "shop GET /password/new": EVERYBODY,
    "shop POST /password/new": EVERYBODY,
    "shop POST /account/confirmation": CUSTOMERS,
    "shop GET /account": CUSTOMERS,
    "shop POST /account": CUSTOMERS,
    "shop POST /account/password": CUSTOMERS,
    "shop GET /orders": CUSTOMERS,
    "shop POST /orders": CUSTOMERS,
    "shop GET /orders/new": CUSTOMERS,
    "shop GET /orders/{number}": OWNER,
    "shop GET /orders/{number}/status": OWNER,
    "shop GET /orders/{number}/model": OWNER,
    "shop POST /orders/{number}/model": OWNER,
    "shop POST /orders/{number}/submit": OWNER,
    "shop POST /orders/{number}/confirm": OWNER,
    "shop POST /orders/{number}/address": OWNER,
    "shop GET /orders/{number}/cancel": OWNER,
    "shop POST /orders/{number}/cancel": OWNER,
    "shop GET /orders/{number}/picture.png": OWNER,
    "shop GET /designs": EVERYBODY,
    "shop GET /designs/{code}": EVERYBODY,
    "shop GET /designs/{code}.png": EVERYBODY,
    "shop GET /studio": EVERYBODY,
    "shop GET /studio/estimate": EVERYBODY,
    "shop GET /studio/shape": EVERYBODY,
    "shop GET /studio/picture.png": EVERYBODY,
    "shop POST /studio/order": CUSTOMERS,
    "partner GET /": EVERYBODY,  # leads on to the reference
    "partner GET /docs": EVERYBODY,
    **{
        f"{service} GET /openapi.json": EVERYBODY
        for service in ("partner", "crm", "mes", "pricing")
    },
    "partner POST /api/v1/orders": PARTNERS,
    "partner GET /api/v1/orders": PARTNERS,
    "partner GET /api/v1/orders/{order_id}": THE_PARTNER,
    "partner POST /api/v1/orders/{order_id}/confirm": THE_PARTNER,
    "partner PUT /api/v1/orders/{order_id}/address": THE_PARTNER,
    "partner PUT /api/v1/orders/{order_id}/model": THE_PARTNER,
    "partner POST /api/v1/orders/{order_id}/cancel": THE_PARTNER,
    "partner POST /api/v1/estimates": PARTNERS,
    "partner GET /api/v1/estimates/{estimate_id}": THE_PARTNER,
    "partner POST /api/v1/webhooks": PARTNERS,
    "partner GET /api/v1/webhooks": PARTNERS,
    "partner GET /api/v1/webhooks/{webhook_id}": THE_PARTNER,
    "partner GET /api/v1/webhooks/{webhook_id}/deliveries": THE_PARTNER,
    "partner POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": THE_PARTNER,
    "partner DELETE /api/v1/webhooks/{webhook_id}": THE_PARTNER,
    "partner POST /api/v1/keys": PARTNERS,
    "partner GET /api/v1/keys": PARTNERS,
    "partner DELETE /api/v1/keys/{key_id}": THE_PARTNER,
    "crm GET /": EVERYBODY,  # leads on to a page that is not
    "crm GET /orders": SELLERS,
    "crm GET /orders/{number}": SELLERS,
    "crm GET /orders/{number}/model": SELLERS,
    "crm GET /orders/{number}/picture.png": SELLERS,
    "crm GET /api/orders/{number}/model": SELLERS,
    "crm GET /api/orders/{number}/picture.png": SELLERS,
    "crm POST /orders/{number}/{act}": SELLERS,
    "crm POST /orders/{number}/notes": SELLERS,
    "crm POST /orders/{number}/address": SELLERS,
    "crm GET /customers": SELLERS,
    "crm GET /customers/{customer_id}": SELLERS,
    "crm GET /attention": SELLERS,
    "crm GET /api/orders": SELLERS,
    "crm GET /api/orders/{number}": SELLERS,
    "crm POST /api/orders/{number}/{act}": SELLERS,
    "crm POST /api/orders/{number}/send-back": SELLERS,
    "crm PUT /api/orders/{number}/address": SELLERS,
    "crm POST /api/orders/{number}/cancel": SELLERS,
    "crm POST /api/orders/{number}/notes": SELLERS,
    "crm GET /api/customers": SELLERS,
    "crm GET /api/customers/{customer_id}": SELLERS,
    "crm GET /api/attention": SELLERS,
    "mes GET /": EVERYBODY,  # leads on to a page that is not
    "mes GET /work": OPERATORS,
    "mes GET /work/{number}": OPERATORS,
    "mes GET /work/{number}/model": OPERATORS,
    "mes GET /work/{number}/picture.png": OPERATORS,
    "mes GET /work/{number}/thumbnail.png": OPERATORS,
    "mes GET /api/work/{number}/model": OPERATORS,
    "mes GET /api/work/{number}/picture.png": OPERATORS,
    "mes POST /work/{number}/{act}": OPERATORS,
    "mes GET /api/list": OPERATORS,
    "mes GET /api/list/changes": OPERATORS,
    "mes GET /api/list/events": OPERATORS,
    "mes GET /api/work": OPERATORS,
    "mes GET /api/work/{number}": OPERATORS,
    "mes POST /api/work/{number}/{act}": OPERATORS,
}
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def test_somebody_has_said_who_may_use_each_route(bare_sandbox: Sandbox) -> None:
    assert sorted(ROUTES) == sorted(routes_of(applications(bare_sandbox)))


@dataclass(frozen=True)
class Visit:
    """One person at one route."""

    person: str
    route: str
    answer: httpx.Response

    @property
    def got_in(self) -> bool:
        """Neither refused, nor sent to sign in, nor told that there is no such thing."""
        to_sign_in = self.answer.headers.get("location", "").startswith("/sign-in")
        return self.answer.status_code not in (401, 403, 404) and not to_sign_in


@pytest.fixture
def visits(company: Company) -> Iterator[list[Visit]]:
    """Everybody at every route, with a customer's order and a partner's order to ask about."""
    values, sessions, keys = what_there_is(company)
    with ExitStack() as leaving:
        clients = {}
        for person in PEOPLE:
            # Shown at every door: a customer's session is worth nothing at the sales desk.
            value = next(iter(sessions.get(person, {}).values()), None)
            cookies = {f"atelier_{door}": value for door in ("shop", "crm", "mes") if value}
            key = keys.get(person)
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            client = httpx.Client(headers=headers, cookies=cookies, timeout=60)
            clients[person] = leaving.enter_context(client)
        # Whoever has signed out gets in nowhere any more.
        last = sorted(ROUTES, key=lambda route: "sign-out" in route)
        yield [
            Visit(person, route, _ask(clients[person], company, route, values))
            for route in last
            for person in PEOPLE
        ]


def _ask(
    client: httpx.Client, company: Company, route: str, values: Mapping[str, Mapping[str, str]]
) -> httpx.Response:
    service, method, template = route.split(" ", 2)
    path = path_of(template, values.get(service, {}))
    with client.stream(method, company.sandbox.services[service] + path) as answer:
        # A stream of events has no end.
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
        return answer


def test_everybody_gets_in_where_they_may_and_nowhere_else(visits: list[Visit]) -> None:
    wrong = [
        f"{visit.route}: {visit.person} {'got in' if visit.got_in else 'did not get in'} "
        f"({visit.answer.status_code})"
        for visit in visits
        # Forms sent empty are refused for that, with 401 by a sign-in.
        if "/sign-in" not in visit.route
        and visit.got_in is not (visit.person in ROUTES[visit.route])
    ]
    assert not wrong, "\n".join(wrong)
    broken = [visit for visit in visits if visit.answer.status_code >= 500]
    assert not broken, broken
    for visit in visits:
        policy = visit.answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert _HEADERS.items() <= visit.answer.headers.items(), visit
        assert "cache-control" in visit.answer.headers
        if visit.answer.headers.get("content-type", "").startswith("text/html"):
            assert _inline(visit.answer.text) == [], visit


def _inline(page: str) -> list[str]:
    """What the policy forbids a page to hold."""
    return [
        found.group()
        for pattern in (
            r"<script(?![^>]*\bsrc=)[^>]*>",
            r"<style\b[^>]*>",
            r"<[^>]+\sstyle\s*=",
            r"<[^>]+\son[a-z]+\s*=",
            r"javascript:",
        )
        for found in re.finditer(pattern, page, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "path", ["/nowhere", "/static/nowhere.css", "/orders/AT-NONE", "/health/nowhere"]
)
def test_an_error_has_the_security_headers_too(company: Company, path: str) -> None:
    for address in company.sandbox.services.values():
        answer = httpx.get(address + path)
        assert answer.status_code in (303, 401, 404)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert _HEADERS.items() <= answer.headers.items()
        assert _inline(answer.text) == []


def test_a_page_with_a_script_of_its_own_would_be_seen() -> None:
    for fault in (
        "<script>alert(1)</script>",
        '<p style="color: red">',
        "<style>p {}</style>",
        '<body onload="x()">',
        '<a href="javascript:x()">',
    ):
        assert _inline(f"<main>{fault}</main>"), fault
    assert _inline('<script src="/static/x.js" defer></script><p class="style">') == []
