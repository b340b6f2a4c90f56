"""From which pages a form may come."""

from __future__ import annotations

import pytest

from atelier.web.origin import is_cross_site


class TestOrigin:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_reading_is_free(self, method: str) -> None:
        assert not is_cross_site(method, {"sec-fetch-site": "cross-site"})

    @pytest.mark.parametrize(
        ("headers", "refused"),
        [
            ({}, False),
            ({"sec-fetch-site": "same-origin"}, False),
            ({"sec-fetch-site": "none"}, False),
            ({"sec-fetch-site": "same-site"}, True),
            ({"sec-fetch-site": "cross-site"}, True),
            # Another port is same-site, and still not ours.
            ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:1"}, True),
            ({"origin": "http://127.0.0.1:8001"}, False),
            ({"origin": "http://127.0.0.1:8002"}, True),
            ({"origin": "https://evil.example"}, True),
            ({"origin": "null"}, True),
            # The browser's own word counts more than what a proxy made of the host.
            ({"sec-fetch-site": "same-origin", "origin": "https://shop.example"}, False),
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_writing_is_for_our_own_pages(
        self, method: str, headers: dict[str, str], refused: bool
    ) -> None:
        assert is_cross_site(method, {"host": "127.0.0.1:8001", **headers}) is refused
