"""What the reference says beyond the OpenAPI document."""

from __future__ import annotations

import re
from typing import Any

import pytest

from atelier.domain.models3d import measure
from atelier.partner.reference import EXAMPLE_MODEL, examples, limits_in_words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, ""),
        ({"type": "integer", "minimum": 3}, "at least 3"),
        ({"type": "integer", "maximum": 1000}, "at most 1,000"),
        (
            {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
            "1 to 100; 50 unless given",
        ),
        (
            {"type": "string", "enum": ["satin", "polished"], "default": "polished"},
            "one of satin, polished; polished unless given",
        ),
        (
            {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}], "default": None},
            "at most 200 characters",
        ),
    ],
)
def test_default_and_limits_in_words(schema: dict[str, Any], words: str) -> None:
    assert limits_in_words(schema) == words


def test_the_example_is_a_solid_that_can_be_priced() -> None:
    assert measure(EXAMPLE_MODEL.encode()).volume_mm3 == 288


def test_the_examples_send_the_key_and_go_where_the_page_came_from() -> None:
    first, *others = examples("http://127.0.0.1:8002").values()

    assert first.splitlines() == [
        "export ATELIER_KEY='ak_…'",
        "export ATELIER='http://127.0.0.1:8002'",
    ]
    assert all('-H "Authorization: Bearer $ATELIER_KEY"' in command for command in others)
    assert all('"$ATELIER/api/v1/orders' in command for command in others[:2])
    assert all('"$ORDER' in command for command in others[2:])
    assert {"$ORDER/model", "$ORDER/confirm", "$ORDER/address"} == set(
        re.findall(r"\$ORDER/[a-z]+", " ".join(others[:-1]))
    )
