"""A customer's pages about her orders can be used by everybody: axe finds nothing serious."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page

from atelier.domain.lifecycle import State
from fixtures.abilities import ActRefused
from fixtures.accessibility import LONG_NAME, barriers
from fixtures.clients.pages import ShopForms
from fixtures.company import Company
from fixtures.model_files import model_file
from touchstone.waiting import eventually


@pytest.fixture
def pages(company: Company) -> Iterator[tuple[Page, dict[str, str]]]:
    """A customer's window, and the pages to look at in it."""
    anna = company.has_customer(LONG_NAME)
    crm = company.systems.crm_client
    with closing(ShopForms(anna.shop.home, anna.shop.cookies)) as shop:

        def uploaded(model: str = "the generated ring") -> str:
            return shop.begin(model_file(model)).number

        def priced(model: str = "the generated ring") -> str:
            number = uploaded(model)
            shop.submit(number, "gold-585", "hammered")
            eventually(
                lambda: crm.order(number).state,
                until=lambda state: state is not State.SUBMITTED,
                timeout=30,
                ignoring=(ActRefused,),  # the replica may not know it yet
            )
            return number

        chosen, failed = priced(), priced("the ring with an open surface")
        approved, cancelled, sent_back = priced(), priced(), priced()
        shop.confirm(approved)
        crm.approve(approved)
        shop.cancel(cancelled, "I found another one.")
        shop.confirm(sent_back)
        crm.send_back(sent_back, "The band is thinner than one millimetre: it would bend.")
        addresses = {
            "orders": "/orders",
            "new": "/orders/new",
            "metal and finish": f"/orders/{uploaded()}",
            "price": f"/orders/{chosen}",
            "no price": f"/orders/{failed}",
            "sent back": f"/orders/{sent_back}",
            "another ring": f"/studio?order={sent_back}",
            "approved": f"/orders/{approved}",
            "cancel?": f"/orders/{approved}/cancel",
            "cancelled": f"/orders/{cancelled}",
            "cannot be cancelled": f"/orders/{cancelled}/cancel",
            "account": "/account?saved=account",
        }
        yield anna.shop.page, {name: anna.shop.home + path for name, path in addresses.items()}


@pytest.mark.timeout(300)
def test_no_page_about_an_order_keeps_anybody_out(pages: tuple[Page, dict[str, str]]) -> None:
    page, addresses = pages
    found = []
    for name, address in addresses.items():
        page.goto(address)
        found += barriers(page, name)
    assert not found, "\n".join(found)
