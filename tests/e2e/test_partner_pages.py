"""The reference for partners' programmers can be read by everybody: axe finds nothing serious."""

from __future__ import annotations

from playwright.sync_api import expect

from fixtures.accessibility import barriers
from fixtures.company import Company
from touchstone.browser.fixtures import Browse


def test_the_start_leads_to_a_reference_that_keeps_nobody_out(
    company: Company, browse: Browse
) -> None:
    page = browse("a programmer")
    page.goto(company.sandbox.services["partner"])
    expect(page.get_by_role("heading", name="Your key", exact=True)).to_be_visible()
    for closed in page.locator("details > summary").all():
        closed.click()
    found = barriers(page, "reference")
    assert not found, "\n".join(found)
