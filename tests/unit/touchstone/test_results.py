from __future__ import annotations

import pytest

from touchstone.results import Result, in_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test_price_grows", "price grows"),
        ("test_price_grows[gold-585]", "price grows (gold-585)"),
        ("TestPrice.test_it_grows", "it grows"),
        ("test_цена_растёт", "цена растёт"),
        ("A customer's ring. Twice", "A customer's ring. Twice"),
        ("Weighing [gold]", "Weighing [gold]"),
    ],
)
def test_a_function_is_read_as_words_and_a_scenario_as_it_is(name: str, words: str) -> None:
    assert in_words(name) == words


@pytest.mark.parametrize(
    ("nodeid", "layer", "group"),
    [
        ("tests/unit/touchstone/test_waiting.py::test_a", "unit", "touchstone / waiting"),
        ("tests/integration/test_outbox.py::test_a[x::y]", "integration", "outbox"),
        ("tests/e2e/test_journey.py::test_a", "e2e", "journey"),
        ("test_somewhere.py::test_a", "other", "somewhere"),
    ],
)
def test_a_test_is_filed_by_its_place(nodeid: str, layer: str, group: str) -> None:
    result = Result(nodeid, "a")

    assert (result.layer, result.group) == (layer, group)
