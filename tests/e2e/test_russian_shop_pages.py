"""The shop's pages in Russian, whose words are longer: usable by everybody, and on a telephone."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from atelier.data.shop import Customer
from fixtures.accessibility import barriers
from fixtures.clients.pages import ShopForms
from fixtures.company import Company
from fixtures.model_files import model_file

PATIENCE = 60_000  # milliseconds: pictures are drawn without a graphics card here


@pytest.mark.timeout(400)
def test_no_russian_page_keeps_anybody_out(company: Company) -> None:
    anna = company.has_customer("Анна")
    with Session(company.shop_database) as session, session.begin():
        session.execute(sa.update(Customer).values(language="ru"))
    page = anna.shop.page
    page.set_default_timeout(PATIENCE)
    with closing(ShopForms(anna.shop.home, anna.shop.cookies)) as shop:
        number = shop.begin(model_file("the generated ring")).number
        another = shop.begin(model_file("the generated ring")).number
        shop.submit(another, "gold-750")
    page.goto(f"{anna.shop.home}/orders/{another}")
    expect(page.get_by_role("button", name="Подтвердить заказ")).to_be_visible()
    found = []
    for name, path in {
        "ru order with a price": f"/orders/{another}",
        "ru start": "/",
        "ru studio": "/studio?design=harbour&engraving=Анна",
        "ru account": "/account",
        "ru orders": "/orders",
        "ru new piece": "/orders/new",
        "ru uploaded": f"/orders/{number}",
        "ru cancel": f"/orders/{number}/cancel",
        "ru studio, wrong": "/studio?width=20&seat=bezel&stone=9",
        "ru designs": "/designs",
    }.items():
        page.goto(anna.shop.home + path)
        found += barriers(page, name)
    assert not found, "\n".join(found)


def test_scripts_speak_the_language_of_the_page(company: Company) -> None:
    page = company.visited_by("Анна").shop.page
    page.set_default_timeout(PATIENCE)
    page.goto(f"{company.sandbox.services['shop']}/studio")

    page.get_by_role("button", name="Русский").click()

    expect(page.get_by_role("slider").first).to_have_accessible_name("Ширина, ползунок")
