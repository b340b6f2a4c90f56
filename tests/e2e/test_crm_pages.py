"""The seller's pages can be used by everybody: axe finds nothing serious on them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from atelier.data.shop import Order
from atelier.domain.lifecycle import State
from fixtures.company import Company
from fixtures.prepared_orders import order_in_state
from touchstone.waiting import eventually

PICTURES = os.environ.get("ATELIER_PICTURES")
"""A folder: where the pages are to be looked at as pictures."""

WIDTHS = (1280, 390)


@pytest.fixture
def desk(company: Company, browse: object) -> tuple[Page, dict[str, str]]:
    """A seller's window, and the pages to look at in it."""
    crm = company.systems.crm_client
    partner = company.works_with_partner("Meridian")
    confirmed, sent_back = (
        order_in_state(State.CONFIRMED, partner, company.systems).number for _ in range(2)
    )
    crm.send_back(sent_back, "The band is thinner than one millimetre: it would bend.")
    crm.note(confirmed, "Called them: they would like it by Friday.\nThey will call back.")
    company.has_customer("Anna Petrova")
    started = company.order_started_by("Anna Petrova").number
    with company.shop_database.begin() as connection:
        past = sa.func.now() - sa.text("interval '3 days 2 hours'")
        late = sa.update(Order).where(Order.number == confirmed)
        connection.execute(late.values(promised_at=past, updated_at=past))
    (anna,) = eventually(lambda: crm.find_customers("Anna Petrova"))
    seller = company.accounts.seller("Boris")
    page: Page = browse("Boris")  # type: ignore[operator]
    home = company.sandbox.services["crm"]
    page.context.add_cookies(
        [{"name": name, "value": value, "url": home} for name, value in seller.cookies.items()]
    )
    return page, {
        "orders": f"{home}/orders",
        "nothing found": f"{home}/orders?q=nobody&overdue=1",
        "too short": f"{home}/orders?q=x",
        "order": f"{home}/orders/{confirmed}",
        "order sent back": f"{home}/orders/{sent_back}",
        "order started": f"{home}/orders/{started}",
        "customers": f"{home}/customers",
        "customer": f"{home}/customers/{anna}",
        "attention": f"{home}/attention",
    }


def test_no_page_of_the_sales_desk_keeps_anybody_out(desk: tuple[Page, dict[str, str]]) -> None:
    page, addresses = desk
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for name, address in addresses.items():
            page.goto(address)
            for closed in page.locator("details > summary").all():
                closed.click()
            scrolls = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            found += [f"{name} at {width}: scrolls sideways"] if scrolls else []
            found += [f"{name} at {width}: {fault}" for fault in _faults(page)]
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)
    assert not found, "\n".join(found)


def _faults(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']} ({each['nodes'][0]['html']})"
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
