"""Every route of every service has limits, or a reason for having none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from fastapi.routing import iter_route_contexts

from atelier.running import Running
from atelier.services import SERVICES
from atelier.settings import Settings
from atelier.web.limits import CHANGES, OF_EVERY_SERVICE, OF_ROUTES, Counter, limits_of_route

_BY_PARTNER: Final = "counted by partner, and by address where the key is wrong"
_KEPT: Final = "a few rows by their key"
_FIXED: Final = "the same for everybody"

UNLIMITED: Final[Mapping[str, str]] = {
    **{
        f"{service} GET {path}": "asked by machines, whose questions are answered from memory"
        for service in SERVICES
        for path in ("/health/live", "/health/ready", "/metrics")
    },
    **{f"{service} GET /static": _FIXED for service in SERVICES},
    **{f"{service} GET /openapi.json": _FIXED for service in SERVICES},
    **{f"{service} GET /sign-in": _FIXED for service in ("shop", "crm", "mes")},
    **{f"{service} GET /": _KEPT for service in ("shop", "crm", "mes")},
    "partner GET /": _FIXED,
    "partner GET /docs": _FIXED,
    "shop GET /register": _FIXED,
    "shop GET /confirm": _FIXED,
    "shop GET /password/forgotten": _FIXED,
    "shop GET /account": _KEPT,
    "shop GET /orders": _KEPT,
    "shop GET /orders/new": _KEPT,
    "shop GET /orders/{number}": _KEPT,
    "shop GET /orders/{number}/status": _KEPT,
    "shop GET /orders/{number}/cancel": _KEPT,
    "shop GET /designs": _FIXED,
    "shop GET /designs/{code}": _FIXED,
    "crm GET /orders/{number}": _KEPT,
    "crm GET /api/orders/{number}": _KEPT,
    "crm GET /customers/{customer_id}": _KEPT,
    "crm GET /api/customers/{customer_id}": _KEPT,
    "mes GET /work/{number}": _KEPT,
    "mes GET /api/work/{number}": _KEPT,
}

SECRETS: Final = {
    "shop POST /sign-in",
    "crm POST /sign-in",
    "mes POST /sign-in",
    "shop POST /register",
    "shop POST /account/password",
    "shop POST /confirm",
    "shop POST /password/forgotten",
    "shop POST /password/new",
}
"""What is right or wrong here can be guessed."""


@pytest.fixture
def routes(tmp_path: Path) -> list[tuple[str, str, str]]:
    given: dict[str, Any] = {
        "shop_database": "postgresql://nowhere/shop",
        "mes_database": "postgresql://nowhere/mes",
        "broker": "amqp://nowhere",
        "cache": "redis://nowhere",
        "files": str(tmp_path),
        "secret_key": "a key that signs nothing outside this test",
    }
    settings = Settings(**given)
    return [
        (service, method, str(route.path))
        for service in SERVICES
        for route in iter_route_contexts(Running(settings, {service}).application(service).routes)
        for method in sorted(set(route.methods or {"GET"}) - {"HEAD"})
    ]


def test_each_route_has_a_limit_or_a_reason_for_none(routes: list[tuple[str, str, str]]) -> None:
    assert routes
    missing = [
        " ".join(route)
        for route in routes
        if not limits_of_route(*route)
        and " ".join(route) not in UNLIMITED
        and not (route[0] == "partner" and route[2].startswith("/api/v1/"))
    ]
    assert not missing, f"say in web.limits how often, or here why there is no limit: {missing}"


def test_what_changes_something_always_has_one(routes: list[tuple[str, str, str]]) -> None:
    for service, method, path in routes:
        if method != "GET" and service != "partner":
            assert limits_of_route(service, method, path), (method, path)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_route_that_will_change_something_has_one_before_anybody_thinks_of_it(
    method: str,
) -> None:
    assert limits_of_route("shop", method, "/not/yet") == (CHANGES,)
    assert limits_of_route("shop", "GET", "/not/yet") == ()


@pytest.mark.anyio
async def test_a_window_that_ends_this_moment_is_waited_for() -> None:
    async def count(**_: Any) -> tuple[int, int]:
        return 1, 0

    settings = SimpleNamespace(limits_times=1)
    cache = SimpleNamespace(register_script=lambda _: count)
    connections: Any = SimpleNamespace(cache=cache, settings=settings)

    assert await Counter(connections).exceeded(["a"], (CHANGES,)) == (CHANGES, 1)


def test_what_checks_a_secret_has_a_limit_of_its_own(routes: list[tuple[str, str, str]]) -> None:
    names = {" ".join(route) for route in routes}
    assert names >= SECRETS
    telling = [name for name in names if any(word in name for word in ("password", "sign-in"))]
    assert {name for name in telling if " POST " in name} <= SECRETS, "is it a secret?"
    for name in SECRETS:
        assert CHANGES not in limits_of_route(*name.split(" ", 2)), name


def test_only_what_is_there_is_limited_or_excused(routes: list[tuple[str, str, str]]) -> None:
    names = {" ".join(route) for route in routes}
    assert set(OF_ROUTES) <= names
    assert set(OF_EVERY_SERVICE) <= {name.partition(" ")[2] for name in names}
    static = {f"{service} GET /static" for service in SERVICES}
    documents = {f"{service} GET /openapi.json" for service in SERVICES}
    assert set(UNLIMITED) - static - documents <= names
