"""The clients: they order, look again where no answer came, and note down what they were told."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx

from atelier.domain.lifecycle import State, is_behind
from benchmarks.overlapping_faults.ledger import Entry, Ledger
from fixtures import models
from fixtures.accounts import MadeAccounts
from fixtures.addresses import LEIPZIG

METALS = ("silver-925", "gold-585", "gold-750", "platinum-950")
_PATIENCE = 5.0  # seconds, for an answer
_GIVES_WAY_AFTER = 60.0  # seconds
_MOST_OPEN = 2  # times those that are begun at once
_PAUSES = (0.5, 4.0)  # seconds, between two looks: from, to
_SHOWN = re.compile(r'id="order-state"[^>]*data-state="(\w+)"')
_ADDRESSES = {"customer": "shop", "partner": "partner", "seller": "crm", "operator": "mes"}


server_errors: Counter[int] = Counter()
"""What services answered while something was broken, by status."""


class Unanswered(Exception):
    """Nobody knows whether it was done."""


class RequestRefused(Exception):
    """It was not done, and will not be."""


@dataclass(frozen=True)
class Model:
    data: bytes
    checksum: str


def _models() -> list[Model]:
    rings = [models.ring(14 + n / 2, prongs=0, segments=12) for n in range(8)]
    return [
        Model(data, hashlib.sha256(data).hexdigest()) for data in map(models.as_binary_stl, rings)
    ]


class People:
    """A few of each, who share the work."""

    def __init__(
        self, services: dict[str, str], accounts: MadeAccounts, ledger: Ledger, seed: int
    ) -> None:
        self._ledger = ledger
        self._chance = random.Random(f"{seed}/people")
        self._models = _models()

        def client(role: str, **more: object) -> httpx.AsyncClient:
            return httpx.AsyncClient(
                base_url=services[_ADDRESSES[role]],
                timeout=_PATIENCE,
                trust_env=False,
                **more,  # type: ignore[arg-type]
            )

        self._customers = [
            client("customer", cookies=accounts.customer(f"Customer {n}").cookies) for n in range(8)
        ]
        keys = [accounts.partner_key(f"Partner {n}") for n in range(4)]
        self._partners = [
            client("partner", headers={"Authorization": f"Bearer {key}"}) for key in keys
        ]
        self._sellers = [
            client("seller", cookies=accounts.seller(f"Seller {n}").cookies) for n in range(3)
        ]
        self._operators = [
            client("operator", cookies=accounts.operator(f"Operator {n}").cookies) for n in range(4)
        ]

    async def close(self) -> None:
        for client in (*self._customers, *self._partners, *self._sellers, *self._operators):
            await client.aclose()

    async def order(self, number: int) -> None:
        """One order from its beginning until it is closed, however long that takes."""
        model, metal = self._chance.choice(self._models), self._chance.choice(METALS)
        owner = "partner" if number % 2 else "customer"
        entry = self._ledger.asks(Entry(f"order-{uuid4()}", owner, model.checksum, metal))
        try:
            if owner == "partner":
                await self._by_partner(entry, model, self._chance.choice(self._partners))
            else:
                await self._by_customer(entry, model, self._chance.choice(self._customers))
            seller = self._chance.choice(self._sellers)
            await self._by_seller(entry, seller, "approve", State.MANUFACTURING_APPROVED)
            await self._by_operator(entry, self._chance.choice(self._operators))
            await self._reaches(entry, State.SHIPPED, lambda: self._in_crm(entry, seller))
            await self._by_seller(entry, seller, "close", State.CLOSED)
            entry.done = True
        except RequestRefused as error:
            entry.refused = str(error)

    async def _by_partner(self, entry: Entry, model: Model, http: httpx.AsyncClient) -> None:
        async def place() -> None:
            answer = await _send(
                http,
                "/api/v1/orders",
                headers={"Idempotency-Key": entry.key},
                files={"model": ("ring.stl", model.data, "model/stl")},
                data={"metal": entry.metal, "reference": entry.key},
            )
            document = _accepted(answer)
            entry.order_id = document["id"]
            entry.numbers.add(document["number"])
            entry.saw(State.SUBMITTED)

        async def look() -> State:
            answer = await _send(http, f"/api/v1/orders/{entry.order_id}", method="GET")
            return _noted(entry, _accepted(answer))

        entry.asked.append("order")
        await _until_answered(place)
        await self._reaches(entry, State.PRICE_CALCULATED, look)
        path = f"/api/v1/orders/{entry.order_id}/confirm"
        to = {"address": dict(LEIPZIG)}
        await self._act(entry, State.CONFIRMED, lambda: _send(http, path, json=to), look)

    async def _by_customer(self, entry: Entry, model: Model, http: httpx.AsyncClient) -> None:
        file = {"model": (f"{entry.key}.stl", model.data, "application/octet-stream")}

        async def start() -> None:
            try:
                answer = await _send(http, "/orders", files=file)
            except Unanswered:
                self._ledger.unanswered_starts += 1
                raise
            if answer.status_code != httpx.codes.SEE_OTHER:
                raise RequestRefused(f"POST /orders: {answer.status_code} {answer.text[:200]}")
            entry.numbers = {answer.headers["location"].rsplit("/", 1)[-1]}
            entry.saw(State.FILE_UPLOADED)

        async def look() -> State:
            answer = await _send(http, f"/orders/{entry.number}/status", method="GET")
            shown = _SHOWN.search(answer.text)
            if answer.status_code != httpx.codes.OK or shown is None:
                raise RequestRefused(f"status of {entry.number}: {answer.status_code}")
            entry.saw(State(shown[1]))
            return State(shown[1])

        entry.asked.append("order")
        await _until_answered(start)
        path = f"/orders/{entry.number}"
        chosen = {"metal": entry.metal, "finish": "polished"}
        await self._act(
            entry, State.SUBMITTED, lambda: _send(http, f"{path}/submit", data=chosen), look
        )
        await self._reaches(entry, State.PRICE_CALCULATED, look)
        to = dict(LEIPZIG)
        await self._act(
            entry, State.CONFIRMED, lambda: _send(http, f"{path}/confirm", data=to), look
        )

    async def _by_seller(self, entry: Entry, http: httpx.AsyncClient, act: str, to: State) -> None:
        path = f"/api/orders/{entry.number}/{act}"
        await self._act(entry, to, lambda: _send(http, path), lambda: self._in_crm(entry, http))

    async def _by_operator(self, entry: Entry, http: httpx.AsyncClient) -> None:
        path = f"/api/work/{entry.number}"

        async def look() -> State | None:
            answer = await _send(http, path, method="GET")
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            return _noted(entry, _accepted(answer))

        await self._reaches(entry, State.MANUFACTURING_APPROVED, look)
        for act, to in {
            "take": State.MANUFACTURING_STARTED,
            "complete": State.MANUFACTURING_COMPLETED,
            "pack": State.PACKAGING,
            "ship": State.SHIPPED,
        }.items():
            details = {"json": {"tracking_number": "RR 12"}} if act == "ship" else {}

            async def send(act: str = act, details: Mapping[str, Any] = details) -> httpx.Response:
                return await _send(http, f"{path}/{act}", **details)

            await self._act(entry, to, send, look)

    async def _in_crm(self, entry: Entry, http: httpx.AsyncClient) -> State:
        answer = await _send(http, f"/api/orders/{entry.number}", method="GET")
        return _noted(entry, _accepted(answer))

    async def _act(
        self,
        entry: Entry,
        to: State,
        send: Callable[[], Awaitable[httpx.Response]],
        look: Callable[[], Awaitable[State | None]],
    ) -> None:
        """Do it; where no answer came, look whether it was done, and do it again if not."""
        entry.asked.append(to)
        pause = _PAUSES[0]
        while True:
            try:
                answer = await send()
                if answer.is_success or answer.status_code == httpx.codes.SEE_OTHER:
                    entry.saw(to)
                    return
                if answer.status_code != httpx.codes.CONFLICT:
                    raise RequestRefused(
                        f"{to} of {entry.number}: {answer.status_code} {answer.text:.300}"
                    )
            except Unanswered:
                pass
            if await _is_found(look, to):
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _PAUSES[1])

    async def _reaches(
        self, entry: Entry, to: State, look: Callable[[], Awaitable[State | None]]
    ) -> None:
        """Look now and then, until it is so."""
        pause = _PAUSES[0]
        while not await _is_found(look, to):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _PAUSES[1])


async def _is_found(look: Callable[[], Awaitable[State | None]], to: State) -> bool:
    """Whether a look shows that it is so; not, where nobody answers."""
    try:
        return _is_there(await look(), to)
    except Unanswered:
        return False


async def _send(
    http: httpx.AsyncClient, path: str, method: str = "POST", **more: Any
) -> httpx.Response:
    """Raises Unanswered also for a 5xx and for 429: it is worth another try."""
    try:
        answer = await http.request(method, path, **more)
    except httpx.TransportError as error:
        raise Unanswered(repr(error)) from None
    if answer.is_server_error:
        server_errors[answer.status_code] += 1
    if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise Unanswered(str(answer.status_code))
    return answer


async def _until_answered(act: Callable[[], Awaitable[None]]) -> None:
    pause = _PAUSES[0]
    while True:
        try:
            return await act()
        except Unanswered:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _PAUSES[1])


def _accepted(answer: httpx.Response) -> dict[str, str]:
    if not answer.is_success:
        raise RequestRefused(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    document: dict[str, str] = answer.json()
    return document


def _noted(entry: Entry, document: dict[str, str]) -> State:
    state = State(document["state"])
    price = document.get("price")
    entry.saw(state, None if price is None else Decimal(price))
    return state


def _is_there(state: State | None, wanted: State) -> bool:
    if state in (State.PRICING_FAILED, State.CANCELLED):
        raise RequestRefused(f"it is {state}, which nobody asked for")
    return state is not None and (state is wanted or is_behind(wanted, state))


class Ordering:
    """Orders that are begun by and by, a number of them on their way at once."""

    def __init__(self, people: People, count: int, seconds: float, at_once: int) -> None:
        self._people = people
        self._left = iter(range(count))
        self._ends = time.monotonic() + seconds
        self._at_once = at_once
        self._open: set[asyncio.Task[None]] = set()

    async def begin_all(self) -> None:
        """Until so many were begun or the time is up; the last ones may still be on their way."""
        await asyncio.gather(*(self._work() for _ in range(self._at_once)))

    async def finish(self, patience: float) -> int:
        """Let those end that are on their way, until none did for `patience` seconds; returns how
        many are left then."""
        while self._open:
            ended, self._open = await asyncio.wait(
                self._open, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                task.result()
            if not ended:
                break
        late, self._open = self._open, set()
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)

    async def _work(self) -> None:
        for number in self._left:
            # A machine that falls behind is not helped by more who ask.
            while len(self._open) >= _MOST_OPEN * self._at_once and time.monotonic() < self._ends:
                await asyncio.wait(self._open, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                self._end_what_has_ended()
            left = self._ends - time.monotonic()
            if left <= 0:
                return
            task = asyncio.create_task(self._people.order(number))
            self._open.add(task)
            # One that stands still must not keep others from being begun.
            await asyncio.wait({task}, timeout=min(_GIVES_WAY_AFTER, left))
            self._end_what_has_ended()

    def _end_what_has_ended(self) -> None:
        for task in [each for each in self._open if each.done()]:
            self._open.discard(task)
            task.result()
