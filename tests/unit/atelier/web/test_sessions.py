"""Where a sign-in leads."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from atelier.web.sessions import wanted_path


class TestWayAfterSignIn:
    @pytest.mark.parametrize(
        ("query", "leads_to"),
        [
            ("", "/orders"),
            ("next=/orders/AT-7K3M9Q", "/orders/AT-7K3M9Q"),
            ("next=https://evil.example", "/orders"),
            ("next=//evil.example", "/orders"),
            ("next=/%5Cevil.example", "/orders"),
            ("next=/%09/evil.example", "/orders"),
            (
                "next=/studio%3Fsize%3D54%26engraving%3D%25D0%2590%2B%2526",
                "/studio?size=54&engraving=%D0%90+%26",
            ),
            ("next=/studio%3Fx%3D%0d%0aSet-Cookie:a%3Db", "/orders"),
            ("next=//evil.example%3Fx", "/orders"),
            ("next=/studio%3F" + "x" * 2000, "/orders"),
        ],
    )
    def test_never_to_another_site(self, query: str, leads_to: str) -> None:
        request = Request({"type": "http", "query_string": query.encode(), "headers": []})

        assert wanted_path(request, "/orders") == leads_to
