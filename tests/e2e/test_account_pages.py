"""The pages on which somebody comes back who has forgotten the password: usable by everybody, and
on a telephone."""

from __future__ import annotations

import pytest
from playwright.sync_api import ViewportSize

from fixtures.accessibility import barriers
from fixtures.company import Company
from fixtures.pages.shop import ForgottenPage

NARROW: ViewportSize = {"width": 390, "height": 844}


@pytest.mark.timeout(300)
def test_no_page_about_a_password_keeps_anybody_out(company: Company) -> None:
    anna = company.visited_by("Anna")
    page = anna.shop.page
    page.set_viewport_size(NARROW)

    def look(name: str) -> list[str]:
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW["width"], f"{name} scrolls sideways: {width} pixels"
        return barriers(page, name)

    found = []
    for name, path in {
        "sign in": "/sign-in",
        "new password": "/password/new",
        "wrong code": "/password/new?code=wrong",
        "forgotten": "/password/forgotten",
    }.items():
        anna.shop.visit(path)
        found += look(name)
    forgotten = ForgottenPage(page)
    forgotten.email.fill(f"{'anna' * 10}@workshop.example.org")
    anna.shop.follow(forgotten.send_the_letter)
    found += look("asked")

    assert not found, "\n".join(found)
