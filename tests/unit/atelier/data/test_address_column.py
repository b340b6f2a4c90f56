from __future__ import annotations

import json
from typing import Any

import pytest

from atelier.data.address_column import from_dict, to_dict
from atelier.domain.delivery import Address

HOME = Address("Anna Winter", "Am Markt 1", "DE", postal_code="04109", city="Leipzig")
AS_DICT = {
    "recipient": "Anna Winter",
    "line1": "Am Markt 1",
    "country": "DE",
    "line2": None,
    "postal_code": "04109",
    "city": "Leipzig",
    "region": None,
    "telephone": None,
}


def test_an_address_is_the_same_after_its_way_as_json() -> None:
    assert to_dict(HOME) == AS_DICT
    assert from_dict(json.loads(json.dumps(to_dict(HOME)))) == HOME


def test_what_a_later_version_adds_is_left_out() -> None:
    assert from_dict({**AS_DICT, "locker": "12"}) == HOME


@pytest.mark.parametrize(
    ("wrong", "part"),
    [({"line1": None}, "line1"), ({"country": ""}, "country"), ({"city": 5}, "city")],
    ids=["missing", "empty", "no text"],
)
def test_what_is_no_address_is_refused_without_repeating_it(
    wrong: dict[str, Any], part: str
) -> None:
    with pytest.raises(ValueError, match=f"by its {part}$") as refused:
        from_dict({**AS_DICT, **wrong})
    assert "Winter" not in str(refused.value)
