"""The benchmark's verdict finds what is planted, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from atelier.domain.lifecycle import HAPPY_PATH, State
from benchmarks.overlapping_faults import faults
from benchmarks.overlapping_faults.faults import Fault
from benchmarks.overlapping_faults.ledger import Entry, Ledger
from benchmarks.overlapping_faults.verdict import Found, findings

WAY = HAPPY_PATH[HAPPY_PATH.index(State.SUBMITTED) : HAPPY_PATH.index(State.CLOSED)]
PRICE = Decimal("120.00")
Plant = Callable[[Found], Found]


def row(**other: Any) -> dict[str, Any]:
    return {
        "number": "A-1",
        "state": "SHIPPED",
        "key": "mine",
        "price": PRICE,
        "metal": "silver-925",
        "model_checksum": "sum",
    } | other


def ledger() -> Ledger:
    made = Ledger()
    entry = made.asks(Entry("mine", "partner", "sum", "silver-925", {"A-1"}))
    for state in WAY:
        entry.saw(state, None if state is State.SUBMITTED else PRICE)
    return made


def systems() -> Found:
    return Found([row()], {"A-1": row()}, {"A-1": State.SHIPPED}, {"A-1": WAY})


def stuck(found: Found) -> Found:
    behind = WAY[:-1]
    return replace(
        found, shop=[row(state="PACKAGING")], crm={"A-1": behind[-1]}, ways={"A-1": behind}
    )


PLANTED: dict[str, tuple[str, Plant]] = {
    "not in the shop": ("lost", lambda found: replace(found, shop=[], mes={}, crm={})),
    "not in the CRM": ("lost", lambda found: replace(found, crm={})),
    "not in the MES": ("lost", lambda found: replace(found, mes={})),
    "behind in the shop": ("stuck", stuck),
    "behind in the MES": (
        "stuck",
        lambda found: replace(found, mes={"A-1": row(state="PACKAGING")}),
    ),
    "two of one request": (
        "doubled",
        lambda found: replace(found, shop=[row(), row(number="A-2", state="SUBMITTED")]),
    ),
    "a step made twice": (
        "doubled",
        lambda found: replace(found, ways={"A-1": (*WAY[:3], WAY[1], WAY[2], *WAY[3:])}),
    ),
    "nobody's order": (
        "phantom",
        lambda found: replace(found, shop=[row(), row(number="A-2", key="whose?")]),
    ),
    "nobody's new order": (
        "phantom",
        lambda found: replace(found, shop=[row(), row(number="A-2", state="FILE_UPLOADED")]),
    ),
    "nobody's work": (
        "phantom",
        lambda found: replace(found, mes={**found.mes, "A-2": row(number="A-2")}),
    ),
    "another price in the MES": (
        "altered",
        lambda found: replace(found, mes={"A-1": row(price=Decimal("119.99"))}),
    ),
    "another price everywhere": (
        "altered",
        lambda found: replace(found, shop=[row(price=Decimal(1))], mes={"A-1": row(price=1)}),
    ),
    "another model": (
        "altered",
        lambda found: replace(found, shop=[row(model_checksum="other")]),
    ),
    "an impossible way": (
        "altered",
        lambda found: replace(found, ways={"A-1": (WAY[0], WAY[-1])}),
    ),
}


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert findings(ledger(), systems()) == []


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(name: str) -> None:
    kind, plant = PLANTED[name]
    assert kind in {finding.kind for finding in findings(ledger(), plant(systems()))}


def test_a_request_without_an_answer_may_have_made_an_order() -> None:
    asked = ledger()
    asked.asks(Entry("in doubt", "partner", "sum", "silver-925"))
    made = replace(systems(), shop=[row(), row(number="A-2", key="in doubt")])
    assert findings(asked, made) == []


def test_only_faults_that_went_on_at_the_same_time_overlap() -> None:
    happened = [
        Fault("killed", "shop", 0, 2),
        Fault("frozen", "mes", 1, 3),
        Fault("killed", "crm", 3, 4),
    ]
    assert faults.overlapping(happened) == 2
