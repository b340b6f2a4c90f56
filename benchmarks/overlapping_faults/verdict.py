"""The ledger against the systems: by identity, not by count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

import psycopg
from psycopg.rows import dict_row

from atelier.domain.lifecycle import State, is_behind, is_legal
from benchmarks.overlapping_faults.ledger import Entry, Ledger
from fixtures.clients.staff import CrmClient

KINDS = ("lost", "stuck", "doubled", "phantom", "altered")

_ORDERS = """
    SELECT id, number, state, coalesce(reference, model_name) AS key, price, metal, model_checksum
    FROM "order"
"""
_WORK = "SELECT order_id AS id, number, state, price, metal, model_checksum FROM work_order"
_HISTORY = 'SELECT number, to_state FROM order_history h JOIN "order" o ON o.id = h.order_id '
_HISTORY += "ORDER BY o.number, h.sequence"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with one order; `kind` is one of KINDS."""

    kind: str
    number: str
    what: str


@dataclass(frozen=True)
class Found:
    """What the systems hold: rows by order number, and each order's way through its states."""

    shop: Sequence[Mapping[str, Any]]
    mes: Mapping[str, Mapping[str, Any]]
    crm: Mapping[str, State]
    ways: Mapping[str, Sequence[State]]


def look(shop: str, mes: str, crm: CrmClient) -> Found:
    """`shop` and `mes` are addresses of the databases. Raises psycopg.Error, httpx.HTTPError."""
    ways: dict[str, list[State]] = defaultdict(list)
    with psycopg.connect(shop, row_factory=dict_row) as connection:
        orders = connection.execute(_ORDERS).fetchall()
        for row in connection.execute(_HISTORY):
            ways[row["number"]].append(State(row["to_state"]))
    with psycopg.connect(mes, row_factory=dict_row) as connection:
        work = {row["number"]: row for row in connection.execute(_WORK)}
    # A page more than once would show itself here: as a list, not as a set.
    seen = crm.find()
    twice = [number for number, times in Counter(each.number for each in seen).items() if times > 1]
    assert not twice, f"the CRM's list has orders twice: {twice[:5]}"
    return Found(orders, work, {each.number: each.state for each in seen}, ways)


def findings(ledger: Ledger, found: Found) -> list[Finding]:
    """All that is wrong; empty when every acknowledged order is where it was said to be."""
    by_number = {row["number"]: row for row in found.shop}
    return [
        *_of_strangers(ledger, found),
        *(
            finding
            for entry in ledger.accepted()
            for finding in _of_order(entry, by_number.get(entry.number), found)
        ),
    ]


def _of_order(entry: Entry, row: Mapping[str, Any] | None, found: Found) -> Iterator[Finding]:
    number, told = entry.number, entry.furthest
    if len(entry.numbers) > 1:
        yield Finding("doubled", number, f"one request was answered with {sorted(entry.numbers)}")
    if row is None or told is None:
        yield Finding("lost", number, "acknowledged, and not in the shop")
        return
    state, work = State(row["state"]), found.mes.get(number)
    if is_behind(state, told):
        yield Finding("stuck", number, f"{told} was acknowledged, and it is {state} in the shop")
    if number not in found.crm:
        yield Finding("lost", number, "not in the CRM's list")
    elif found.crm[number] is not state:
        yield Finding("stuck", number, f"{found.crm[number]} in the CRM and {state} in the shop")
    way = found.ways.get(number, ())
    if not is_legal(way) or way[-1] is not state:
        yield Finding("altered", number, f"{state} after an illegal way: {' → '.join(way)}")
    if repeated := [step for step, times in Counter(pairwise(way)).items() if times > 1]:
        yield Finding("doubled", number, f"made these steps more than once: {repeated}")
    if State.SUBMITTED not in way:
        return
    if work is None:
        yield Finding("lost", number, f"{state} in the shop, and not in the MES")
        return
    if State(work["state"]) is not state:
        yield Finding("stuck", number, f"{work['state']} in the MES and {state} in the shop")
    yield from _altered(entry, row, work)


def _altered(entry: Entry, row: Mapping[str, Any], work: Mapping[str, Any]) -> Iterator[Finding]:
    prices: set[Decimal] = {*entry.prices, row["price"], work["price"]}
    if len(prices) > 1:
        yield Finding("altered", entry.number, f"prices {prices}")
    for what, meant in (("metal", entry.metal), ("model_checksum", entry.checksum)):
        if not row[what] == work[what] == meant:
            yield Finding(
                "altered", entry.number, f"{what} {meant} is {row[what]}, {work[what]} in the MES"
            )


def _of_strangers(ledger: Ledger, found: Found) -> Iterator[Finding]:
    """Orders that nobody asked for, or of one request more than one."""
    known = {number for entry in ledger.entries.values() for number in entry.numbers}
    asked = {_name(entry): entry for entry in ledger.entries.values()}
    strange = [row for row in found.shop if row["number"] not in known and row["key"] in asked]
    begun = [row for row in strange if row["state"] == State.FILE_UPLOADED]
    others = [row for row in found.shop if row not in begun]
    held = Counter(row["key"] for row in others if row["key"] is not None)
    for row in others:
        key, number = row["key"], row["number"]
        if key is not None and held[key] > 1:
            yield Finding("doubled", number, f"{held[key]} orders are of the request {key}")
        if number in known:
            continue
        if key not in asked or asked[key].numbers:
            yield Finding("phantom", number, f"{row['state']}, and nobody asked for it")
    if len(begun) > ledger.unanswered_starts:
        what = f"{len(begun)} new orders, and {ledger.unanswered_starts} requests had no answer"
        yield Finding("phantom", "–", what)
    in_shop = {row["number"] for row in found.shop}
    for number in found.mes.keys() - in_shop:
        yield Finding("phantom", number, "in the MES, and not in the shop")


def _name(entry: Entry) -> str:
    return entry.key if entry.owner == "partner" else f"{entry.key}.stl"
