"""The address that leads back to where a request came."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from atelier.web.scope import address_of


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("", "/orders"),
        ("lang=ru", "/orders"),
        ("seen=7&lang=ru&lang=en", "/orders?seen=7"),
        ("next=/a%20b/%D0%90", "/orders?next=/a%20b/%D0%90"),
    ],
    ids=["bare", "the language alone", "the language among others", "without a language"],
)
def test_does_not_ask_for_the_language_again(query: str, address: str) -> None:
    request = Request(
        {
            "type": "http",
            "scheme": "https",
            "server": ("shop.example", 443),
            "path": "/orders",
            "query_string": query.encode(),
            "headers": [],
        }
    )

    assert address_of(request) == address
