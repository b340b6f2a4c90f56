"""Every route of every service, asked while a backing service is away, in every way.

Nobody gets a 500, or no answer at all: who needs what is away gets 503 with words and a time to
come back, everybody else what they get otherwise. A new route is asked by itself; one that needs
the store of models is to be named in `_NEED_STORE`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from atelier.services import SERVICES
from fixtures.accounts import Account
from fixtures.clients.pages import ShopForms
from fixtures.company import Company
from fixtures.model_files import model_file
from fixtures.routes import applications, routes_of
from tests.integration.atelier.empty_orders import empty_order_of
from tests.integration.atelier.every_route import WhatThereIs, path_of, what_there_is
from tests.integration.atelier.gate import Gate, Way, gate_to
from tests.integration.atelier.platform_process import company_of, running
from tests.integration.atelier.s3_server import S3
from touchstone.sandbox import Sandbox
from touchstone.waiting import eventually

_LIMIT: Final = 10.0  # seconds
_GIVEN_UP: Final = 4 * _LIMIT  # seconds: no answer at all, even on a busy machine
_AT_ONCE: Final = 16
_SETTINGS: Final = {
    "primary": ("ATELIER_SHOP_DATABASE", "ATELIER_MES_DATABASE"),
    "replica": ("ATELIER_SHOP_REPLICA",),
    "broker": ("ATELIER_BROKER",),
    "cache": ("ATELIER_CACHE",),
}
_TAKE_MODELS: Final = {
    "shop POST /orders",
    "partner POST /api/v1/orders",
    "partner POST /api/v1/estimates",
}
_READY: Final = frozenset(f"{service} GET /health/ready" for service in SERVICES)
_NEED_STORE: Final = frozenset(
    {
        "shop GET /orders/{number}/model",
        "shop GET /orders/{number}/picture.png",
        "crm GET /orders/{number}/model",
        "crm GET /orders/{number}/picture.png",
        "crm GET /api/orders/{number}/model",
        "crm GET /api/orders/{number}/picture.png",
        "mes GET /work/{number}/model",
        "mes GET /work/{number}/picture.png",
        "mes GET /work/{number}/thumbnail.png",
        "mes GET /api/work/{number}/model",
        "mes GET /api/work/{number}/picture.png",
        "shop POST /orders",
        "shop POST /orders/{number}/model",
        "shop POST /studio/order",
        "partner POST /api/v1/orders",
        "partner POST /api/v1/estimates",
    }
)
_NEED_PRIMARY: Final = _READY | {
    "shop GET /orders",
    "shop POST /sign-in",
    "partner GET /api/v1/orders",
    "crm GET /api/orders",
    "mes GET /api/work",
}
"""Some of them: nearly all do."""

_UPLOAD: Final = model_file("the generated ring")

Answers = Mapping[str, "httpx.Response | httpx.HTTPError"]


@dataclass
class Platform:
    """All services, with a gate before each backing service.

    `accounts` has who signs in at each service, `leaves` who signs out there. Orders of the
    customer's: `unwanted` may be cancelled, `untouched` gets a model if it has none.
    """

    addresses: Mapping[str, str]
    gates: Mapping[str, Gate]
    routes: list[str]
    there: WhatThereIs
    accounts: Mapping[str, Account]
    leaves: Mapping[str, Account]
    unwanted: str
    untouched: str
    shop_database: str

    def ask(self, routes: Sequence[str]) -> Answers:
        """What these answer when several are asked at a time."""

        async def together() -> Answers:
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                timeout=_GIVEN_UP, limits=limits, trust_env=False
            ) as client:
                places = asyncio.Semaphore(_AT_ONCE)

                async def ask(route: str) -> httpx.Response | httpx.HTTPError:
                    async with places:
                        return await self._ask(client, route)

                answers = await asyncio.gather(*map(ask, routes))
            return dict(zip(routes, answers, strict=True))

        return asyncio.run(together())

    async def _ask(self, client: httpx.AsyncClient, route: str) -> httpx.Response | httpx.HTTPError:
        """As somebody who may use it."""
        service, method, template = route.split(" ", 2)
        values = dict(self.there.values.get(service, {}))
        if service == "shop" and template.endswith("/cancel"):
            values["number"] = self.unwanted
        elif route == "shop POST /orders/{number}/model":
            values["number"] = self.untouched
        try:
            async with client.stream(
                method,
                self.addresses[service] + path_of(template, values),
                headers=self._headers(service, template),
                **self._body(route),
            ) as answer:
                # A stream of events has no end.
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    await answer.aread()
                return answer
        except httpx.HTTPError as error:
            return error

    def _headers(self, service: str, template: str) -> dict[str, str]:
        if service == "partner":
            key = self.there.keys["partner"]
            return {"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())}
        people = self.leaves if template == "/sign-out" else self.accounts
        cookies = people[service].cookies if service in people else {}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    def _body(self, route: str) -> dict[str, Any]:
        service, method, template = route.split(" ", 2)
        if template.startswith("/api/list/"):
            return {"params": {"since": "0"}}
        if method != "POST":
            return {}
        if template.endswith("/model") or route in _TAKE_MODELS:
            return {
                "data": {"metal": "silver-925"},
                "files": {"model": (_UPLOAD.name, _UPLOAD.data)},
            }
        if template == "/sign-in":
            account = self.accounts[service]
            return {"data": {"email": account.email, "password": account.password}}
        if service == "partner":
            return {"json": {"url": "http://127.0.0.1:1/told"}}
        fields = {"name": "Anna", "email": f"{uuid4().hex}@example.com"}
        return {"data": {**fields, "password": uuid4().hex}}

    def faults_without(self, *names: str, must: Set[str], may: Set[str]) -> list[str]:
        """What is wrong with the answers while these are away, stopped and then frozen.

        Routes in `must` are refused meanwhile, those in `may` can be, and no other.
        """
        found = []
        anna = self.there.values["crm"]["customer_id"]
        self.untouched = empty_order_of(anna, self.shop_database)
        for way in (Way.STOPPED, Way.FROZEN):
            for name in names:
                self.gates[name].turn(way)
            answers = self.ask(self.routes)
            wrong = faults(answers)
            wrong += [f"{route}: answered without it" for route in must - refused(answers)]
            if needless := refused(answers) - may:
                # On a busy machine much takes too long: what needs it is refused again.
                needless = refused(self.ask(sorted(needless)))
                wrong += [f"{route}: refused, and does not need it" for route in needless]
            found += [f"{' and '.join(names)} {way}: {fault}" for fault in sorted(wrong)]
            for name in names:
                self.gates[name].turn(Way.OPEN)
            self.is_whole_again()
        return found

    def is_whole_again(self) -> None:
        """Wait until every service can be used."""
        for service, address in self.addresses.items():
            eventually(
                lambda address=address: (
                    httpx.get(  # type: ignore[misc]
                        f"{address}/health/ready", timeout=_GIVEN_UP
                    ).status_code
                ),
                until=lambda status: status == 200,
                describe=f"{service} is ready again",
                timeout=60,
            )


@pytest.fixture
def platform(bare_sandbox: Sandbox, s3: S3, tmp_path: Path) -> Iterator[Platform]:
    given = bare_sandbox.environment
    with ExitStack() as ending:
        gates = {
            name: ending.enter_context(gate_to(given[settings[0]]))
            for name, settings in _SETTINGS.items()
        }
        gates["store"] = ending.enter_context(gate_to(s3.address))
        through = {
            setting: gates[name].address(given[setting])
            for name, settings in _SETTINGS.items()
            for setting in settings
        }
        process = ending.enter_context(
            running(
                bare_sandbox,
                tmp_path,
                ATELIER_FILES=f"s3://{s3.make_bucket()}/models",
                ATELIER_REQUEST_LIMIT=str(_LIMIT),
                **replace(s3, address=gates["store"].address(s3.address)).environment,
                **through,
            )
        )
        company = ending.enter_context(company_of(process))
        yield _platform(company, gates, routes_of(applications(bare_sandbox)))
        for gate in gates.values():
            gate.turn(Way.OPEN)


def _platform(company: Company, gates: Mapping[str, Gate], routes: list[str]) -> Platform:
    made = company.accounts
    there = what_there_is(company)
    shop = company.sandbox.services["shop"]
    with closing(ShopForms(shop, there.sessions["customer"])) as forms:
        unwanted = forms.begin(_UPLOAD).number
    accounts = {
        "shop": replace(made.customer("Emma"), cookies=dict(there.sessions["customer"])),
        "crm": made.seller("Frank"),
        "mes": made.operator("Greta"),
    }
    leaves = {
        "shop": made.customer("Hugo"),
        "crm": made.seller("Ines"),
        "mes": made.operator("Jan"),
    }
    return Platform(
        company.sandbox.services,
        gates,
        routes,
        there,
        accounts,
        leaves,
        unwanted,
        unwanted,
        company.sandbox.databases["shop"].primary,
    )


def faults(answers: Answers) -> list[str]:
    """Which answers nobody should get."""
    found = []
    for route, answer in answers.items():
        if isinstance(answer, httpx.HTTPError):
            found.append(f"{route}: {answer!r}")
        elif answer.status_code > 503 or answer.status_code in (500, 501, 502):
            found.append(f"{route}: {answer.status_code}")
        elif answer.status_code == 503:
            if not answer.headers.get("retry-after", "").isdigit():
                found.append(f"{route}: 503 without Retry-After")
            if "again" not in answer.text and "/health/" not in route:
                found.append(f"{route}: 503 without words: {answer.text[:200]}")
    return found


def refused(answers: Answers) -> set[str]:
    """The routes that answered 503."""
    return {
        route
        for route, answer in answers.items()
        if isinstance(answer, httpx.Response) and answer.status_code == 503
    }


@pytest.mark.timeout(600)
def test_every_route_answers_while_something_is_away(platform: Platform) -> None:
    # Rings are made once; on a busy machine that alone takes longer than the limit.
    before = eventually(
        lambda: platform.ask(platform.routes),
        until=lambda answers: not refused(answers),
        timeout=120,
    )
    assert not faults(before)
    assert all(gate.used for gate in platform.gates.values()), "something is asked past its gate"

    everything = frozenset(platform.routes)
    found = [
        *platform.faults_without("primary", must=_NEED_PRIMARY, may=everything),
        *platform.faults_without("store", must=_NEED_STORE, may=_NEED_STORE),
        # That the broker is frozen is noticed by its heartbeat only.
        *platform.faults_without("replica", "broker", "cache", must=set(), may=_READY),
    ]

    assert not found, "\n".join(found)
