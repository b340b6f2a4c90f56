"""The seller's pages can be used by everybody, in English and in Russian: axe finds nothing serious
on them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page

from atelier.data.shop import Order
from atelier.domain.lifecycle import State
from fixtures.accessibility import LONG_NAME, barriers
from fixtures.company import Company
from fixtures.model_files import model_file
from fixtures.prepared_orders import order_in_state
from touchstone.browser.fixtures import Browse
from touchstone.waiting import eventually


@pytest.fixture(params=["en-GB", "ru-RU"], ids=["english", "russian"])
def crm(
    request: pytest.FixtureRequest, company: Company, browse: Browse
) -> tuple[Page, dict[str, str]]:
    """A seller's window, and the pages to look at in it."""
    crm = company.systems.crm_client
    partner = company.works_with_partner("Meridian")
    confirmed, sent_back = (
        order_in_state(State.CONFIRMED, partner, company.systems).number for _ in range(2)
    )
    crm.send_back(sent_back, "The band is thinner than one millimetre: it would bend.")
    crm.note(confirmed, "Called them: they would like it by Friday.\nThey will call back.")
    company.has_customer(LONG_NAME)
    model = model_file("the generated ring")
    uploaded = company.shop_forms_of(LONG_NAME).begin(model).number
    with company.shop_database.begin() as connection:
        past = sa.func.now() - sa.text("interval '3 days 2 hours'")
        late = sa.update(Order).where(Order.number == confirmed)
        connection.execute(late.values(promised_at=past, updated_at=past))
    (anna,) = eventually(lambda: crm.find_customers(LONG_NAME))
    seller = company.accounts.seller(LONG_NAME)
    page = browse("Boris", locale=request.param)
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
        "order begun": f"{home}/orders/{uploaded}",
        "customers": f"{home}/customers",
        "customer": f"{home}/customers/{anna}",
        "attention": f"{home}/attention",
    }


def test_no_page_of_the_crm_keeps_anybody_out(crm: tuple[Page, dict[str, str]]) -> None:
    page, addresses = crm
    found = []
    for name, address in addresses.items():
        page.goto(address)
        for closed in page.locator("details > summary").all():
            closed.click()
        language = page.evaluate("document.documentElement.lang")
        found += barriers(page, f"crm {name} {language}")
    assert not found, "\n".join(found)
